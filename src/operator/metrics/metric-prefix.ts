/** Begins the name of every metric. */
export const metricPrefix = 'zoom_relay_';
