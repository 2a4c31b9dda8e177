/** Grafana's dashboards as the tests read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './kube.js';

export interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly { readonly expr: string }[];
}

export interface Dashboard {
  readonly file: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
  readonly panels: readonly Panel[];
}

export function readDashboards(): Dashboard[] {
  const directory = join(ROOT, 'k8s/monitoring/dashboards');
  return readdirSync(directory).map((file) => ({
    file,
    ...JSON.parse(readFileSync(join(directory, file), 'utf8')),
  }));
}

/** An expression with the dashboard's variables at `All`. */
export const filled = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '1m').replace(/\$(namespace|chain|group|feed)\b/g, '.*');
