/** What commands use of the process. */
export type CommandProcess = Pick<NodeJS.Process, 'env' | 'stdout' | 'stderr' | 'on' | 'off'> & {
  exitCode?: NodeJS.Process['exitCode'];
};
