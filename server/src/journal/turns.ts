/** Lets jobs take turns: at most so many are under way at once, those that wait go first come, first served. */
export interface Turns {
  /** Begins `job` at once or when another is over. It must call `over`, once. */
  take(job: (over: () => void) => void): void;
}

export function openTurns(most: number): Turns {
  const waiting: ((over: () => void) => void)[] = [];
  let underWay = 0;
  const next = (): void => {
    if (underWay >= most) return;
    const job = waiting.shift();
    if (job === undefined) return;
    underWay++;
    job(() => {
      underWay--;
      next();
    });
  };
  return {
    take(job) {
      waiting.push(job);
      next();
    },
  };
}
