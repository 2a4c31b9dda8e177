/** Where in the files something stands, for problems that name file, line and path. */
import type { ConfigDocument } from './documents.js';
import type { Report } from './problem.js';

export interface Place {
  readonly document: ConfigDocument;
  readonly path: readonly (string | number)[];
}

export interface Placed<T> {
  readonly value: T;
  readonly place: Place;
}

/** Makes a report function for problems below a place. */
export type Reporter = (place: Place) => Report;
