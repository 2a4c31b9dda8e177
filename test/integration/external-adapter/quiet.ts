/** The framework logs each request; a test's output is for what fails. */
process.env.LOG_LEVEL = 'silent';
