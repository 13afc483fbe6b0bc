/** What was done, in words that follow who did it. What is not in the table is said by its own name. */
import { plain } from "../words/text.ts";

const said: Readonly<Record<string, string>> = {
  "session.opened": "signed in",
  "session.refused": "was refused at sign-in",
  "session.closed": "signed out",
  "recording.played": "listened to a recording",
  "recording.downloaded": "downloaded a recording",
  "recording.shared": "made a link to a recording",
  "recording.unsealed": "took the sealed originals of a call",
  "recording.tried_again": "had a recording tried again",
  "recording.given_up": "gave a recording up",
  "call.placed": "placed a call",
  "call.hung_up": "hung up a call",
  "call.transferred": "handed a caller to a person",
  "call.keys_sent": "pressed keys in a call",
  "call.muted": "muted the caller",
  "call.unmuted": "let the caller be heard again",
  "call.held": "put a call on hold",
  "call.released": "lifted a call's hold",
  "deletion.asked": "had parts of a call deleted",
  "redaction.asked": "had a stretch of a call redacted",
  "keep_rule.set": "set how long is kept",
  "calling_limits.set": "set the calling limits",
  "listener.made": "had another system told",
  "listener.changed": "paused or resumed telling a system",
  "listener.removed": "removed a system that was told",
  "telling.repeated": "told a system again",
  "evidence.taken": "downloaded the evidence of a call",
  "doctor.webhooks_set": "set the webhooks at the carrier",
  "agent.made": "made an agent",
  "agent.changed": "changed an agent",
  "agent.archived": "took an agent out of service",
  "agent.made_default": "made an agent the default",
  "key.made": "made a key for a program",
  "key.revoked": "revoked a key",
  "user.invited": "invited somebody",
  "user.role_set": "gave somebody another role",
  "user.disabled": "locked somebody out",
  "user.enabled": "let somebody in again",
  "user.link_made": "made a link to choose a password",
  "user.signed_out": "signed somebody out everywhere",
  "password.chosen": "chose a password by link",
  "password.changed": "changed their password",
};

export const auditSaid = (action: string): string => said[action] ?? plain(action);

/** What one may look for: the first words of actions. */
export const abouts = {
  session: "Signing in and out",
  user: "People",
  password: "Passwords",
  key: "Keys",
  call: "Calls",
  recording: "Recordings",
  deletion: "Deletions",
  redaction: "Redactions",
  agent: "Agents",
  listener: "Other systems",
  calling_limits: "Calling limits",
  keep_rule: "How long is kept",
} as const;

const Uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-/i;

/** The facts of it in a line; ids, which say nothing to a person, aside. */
export const detailSaid = (detail: Readonly<Record<string, unknown>>): string =>
  Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "" && !(typeof value === "string" && Uuid.test(value)) && typeof value !== "object")
    .map(([name, value]) => `${plain(name)} ${value === true ? "yes" : value === false ? "no" : String(value)}`)
    .join(", ");
