import type { Role } from "../ask/shapes.ts";

/** What each role may, said after "who" or "it". */
export const roles = {
  admin: "may do everything",
  member: "may place calls and change agents",
  viewer: "may look and listen",
} as const satisfies Record<Role, string>;

/** What somebody of a role is called. */
export const roleNames = { admin: "Administrator", member: "Member", viewer: "Viewer" } as const satisfies Record<Role, string>;
