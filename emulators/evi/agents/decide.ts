import type { Agent, Rule } from "./agent.ts";

/** What an agent remembers of a conversation. */
export interface Memory {
  /** Rules that fit only once and did. */
  readonly used: readonly number[];
  /** How often nothing fitted. */
  readonly puzzled: number;
}

export const fresh: Memory = { used: [], puzzled: 0 };

export interface Surroundings {
  readonly variables: Readonly<Record<string, string>>;
  /** Names of the session's function tools. */
  readonly tools: readonly string[];
}

export interface Plan {
  readonly say: readonly string[];
  readonly call: {
    readonly tool: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly answered: readonly string[];
    readonly failed: readonly string[];
  } | null;
  readonly hangUp: boolean;
}

/** What the agent does about what it heard. Pure: the same memory and words give the same plan. */
export function decide(agent: Agent, memory: Memory, heard: string, { variables, tools }: Surroundings): readonly [Memory, Plan] {
  const index = agent.rules.findIndex((rule, at) => rule.hears.test(heard) && !(rule.once && memory.used.includes(at)));
  const rule = agent.rules[index];
  if (!rule) {
    const say = agent.otherwise[Math.min(memory.puzzled, agent.otherwise.length - 1)] ?? [];
    return [
      { ...memory, puzzled: memory.puzzled + 1 },
      { say: say.map((sentence) => fill(sentence, { ...variables, heard })), call: null, hangUp: false },
    ];
  }
  const known = { ...variables, heard, ...groups(rule, heard) };
  const filled = (sentences: readonly string[]): string[] => sentences.map((sentence) => fill(sentence, known));
  const next: Memory = rule.once ? { ...memory, used: [...memory.used, index] } : memory;
  const tool = rule.calls && tools.find((name) => rule.calls?.tool.test(name));
  if (!rule.calls || !tool) return [next, { say: filled(rule.say), call: null, hangUp: rule.hangUp === true }];
  const parameters = Object.fromEntries(Object.entries(rule.calls.parameters).map(([name, value]) => [name, fill(value, known)]));
  const call = { tool, parameters, answered: filled(rule.calls.answered), failed: filled(rule.calls.failed) };
  return [next, { say: filled(rule.calls.before ?? []), call, hangUp: rule.hangUp === true }];
}

/**
 * What is remembered of an earlier conversation that is only told of: the lines of it that are the caller's ("Caller: ...") are heard again, in
 * order. Pure.
 */
export function recalled(agent: Agent, memory: Memory, told: string): Memory {
  let now = memory;
  for (const [, line = ""] of told.matchAll(/^(?:caller|customer|user): (.+)$/gim))
    [now] = decide(agent, now, line, { variables: {}, tools: [] });
  return now;
}

/**
 * Puts variables into a sentence. One that is not known disappears together with a comma before it, except `result`, which waits for the
 * tool's answer.
 */
export function fill(sentence: string, variables: Readonly<Record<string, string | undefined>>): string {
  return sentence
    .replace(/(,?\s*)\{\{\s*([\w-]+)\s*\}\}/g, (whole, before: string, name: string) => {
      const value = variables[name];
      if (value) return before + value;
      return name === "result" ? whole : "";
    })
    .replace(/\s+/g, " ")
    .trim();
}

/**
 * Variables a prompt tells in its words: `customer_name` out of "The customer's name is Guest." or "Customer name: Guest". Those sent as
 * variables win.
 */
export function variablesOfPrompt(prompt: string): Readonly<Record<string, string>> {
  const name = /\b(?:[Cc]ustomer|[Cc]aller|[Cc]lient)(?:['’]s)?[ _]name(?: is|:)\s*["']?([\p{Lu}][\p{L}'-]*(?: [\p{Lu}][\p{L}'-]*)?)/u.exec(
    prompt,
  );
  return name?.[1] ? { customer_name: name[1] } : {};
}

/** The groups of what was heard, as `{{1}}`, `{{2}}`; a sentence's first word loses its capital, for it will stand in the middle of another. */
function groups(rule: Rule, heard: string): Record<string, string | undefined> {
  const found = rule.hears.exec(heard) ?? [];
  return Object.fromEntries([...found].slice(1).map((group, at) => [String(at + 1), group && inMidSentence(group)]));
}

function inMidSentence(words: string): string {
  return /^(I\b|(mon|tues|wednes|thurs|fri|satur|sun)day)/i.test(words) ? words : words.charAt(0).toLowerCase() + words.slice(1);
}
