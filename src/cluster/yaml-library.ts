/**
 * The library as a module of our own, to be loaded when a file is read. It is CommonJS: bundled, `import('yaml')` itself
 * would give its names only as members of `default`.
 */
export * as yaml from 'yaml';
