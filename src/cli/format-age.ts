export { formatAge } from '../format-age.ts';
