/** Is the line in order? Outages of the past were exactly these things. Each check says what it found and what to do. */
export interface Check {
  readonly name: "key" | "clock" | "public address" | "audio address" | "signatures" | "application" | "number";
  /** `unknown`: it could not be looked at, which is not the same as wrong. */
  readonly state: "good" | "bad" | "unknown";
  readonly said: string;
  readonly remedy: string | null;
}

export const good = (name: Check["name"], said: string): Check => ({ name, state: "good", said, remedy: null });
export const bad = (name: Check["name"], said: string, remedy: string): Check => ({ name, state: "bad", said, remedy });
export const unknown = (name: Check["name"], said: string, remedy: string | null = null): Check => ({
  name,
  state: "unknown",
  said,
  remedy,
});
