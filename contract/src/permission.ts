import type { Role } from "./session.ts";

/**
 * Who may do what. Route, button and disabled reason read this one table. An installation belongs to one team: whoever
 * may read calls reads all of them, so this table and a valid credential are the whole ownership rule.
 */
export const allowed = {
  "calls.read": ["admin", "member", "viewer"],
  "calls.place": ["admin", "member"],
  "calls.hang_up": ["admin", "member"],
  "calls.transfer": ["admin", "member"],
  "calls.send_keys": ["admin", "member"],
  "calls.mute": ["admin", "member"],
  "calls.whisper": ["admin", "member"],
  "recordings.play": ["admin", "member", "viewer"],
  "recordings.share": ["admin", "member"],
  "recordings.export": ["admin", "member"],
  "recordings.mend": ["admin", "member"],
  "keeping.manage": ["admin"],
  "limits.manage": ["admin"],
  "listeners.manage": ["admin"],
  "webhooks.read": ["admin", "member"],
  "carrier.read": ["admin", "member", "viewer"],
  "doctor.run": ["admin"],
  "agents.read": ["admin", "member", "viewer"],
  "agents.change": ["admin", "member"],
  "keys.manage": ["admin"],
  "users.manage": ["admin"],
  "audits.read": ["admin"],
  "metrics.read": ["admin", "member"],
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof allowed;

/** May someone of `role` do `permission`? */
export const roleMay = (role: Role, permission: Permission): boolean => (allowed[permission] as readonly Role[]).includes(role);
