/** What stands behind a connect: the carrier tries again until a server has started. */
export const tries = [
  "talk",
  "wait",
  "connect",
  "wait",
  "connect",
  "wait",
  "connect",
  "talk",
  "wait",
  "connect",
  "wait",
  "connect",
  "wait",
  "connect",
];
