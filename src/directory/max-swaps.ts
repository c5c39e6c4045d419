/** How often a swap that lost is made again. Of those who write to one record at once, one wins each time. */
export const maxSwaps = 100;
