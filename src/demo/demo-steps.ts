import { connectSteps, meetingSteps } from './connect-steps.ts';
import { challengeSteps, createdSteps, otherSteps, type Step } from './steps.ts';

/** All steps in their order: somebody connects, then events come. */
export const demoSteps: readonly Step[] = [
  ...challengeSteps,
  ...connectSteps,
  ...createdSteps,
  ...meetingSteps,
  ...otherSteps,
];
