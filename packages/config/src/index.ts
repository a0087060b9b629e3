export type * from './mount-settings.js';
export type * from './server-settings.js';
