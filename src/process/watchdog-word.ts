/** The word by which this program knows that it is to be the watchdog of a server, and nothing else (watchdog.ts). */
export const watchdogWord = 'watchdog-of';
