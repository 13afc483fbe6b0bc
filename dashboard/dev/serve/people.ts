/** People, their sessions, and keys for programs. */

import { ApiKey } from "../../src/ask/shapes.ts";
import * as desk from "../story/desk.ts";
import { id } from "../story/made.ts";
import { bodyOf, json, problem, type Route } from "./answers.ts";
import type { World } from "./world.ts";

const link = () => ({
  url: "https://calls.example.com/welcome?token=Zk3nR8_made_up_token_0123456789abcdefghi",
  expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
});

export const peopleRoutes = (world: World): Route[] => [
  ["GET", /^\/keys$/, (_q, r) => json(r, 200, { items: world.keys, next: null })],
  [
    "POST",
    /^\/keys$/,
    async (q, r) => {
      const body = await bodyOf(q);
      const key = ApiKey.parse({
        id: id(`key ${Date.now()}`),
        name: body.name,
        prefix: "ek_9c21",
        role: body.role ?? "member",
        from_environment: false,
        created_at: new Date().toISOString(),
        last_used_at: null,
        revoked_at: null,
      });
      world.keys.push(key);
      json(r, 201, { ...key, key: "es_9c21_example_key_shown_once_0123456789" });
    },
  ],
  [
    "DELETE",
    /^\/keys\/([\w-]+)$/,
    (_q, r, [keyId]) => {
      const key = world.keys.find((k) => k.id === keyId);
      if (!key) return problem(r, 404, "KEY_UNKNOWN", "There is no such key.", "Look at the list of world.keys.");
      key.revoked_at ??= new Date().toISOString();
      return json(r, 200, key);
    },
  ],
  ["GET", /^\/users$/, (_q, r) => json(r, 200, { items: world.empty ? desk.users.slice(0, 1) : desk.users, next: null })],
  [
    "POST",
    /^\/users$/,
    async (q, r) => {
      const { email, role } = await bodyOf(q);
      if (desk.users.some((user) => user.email === email))
        return problem(r, 409, "EMAIL_TAKEN", "Somebody with this e-mail has an account already.", "Find it in the list.", [
          { field: "email", message: "has an account already" },
        ]);
      const user = {
        ...(desk.users[2] as (typeof desk.users)[number]),
        id: id(String(email)),
        email: String(email),
        role: role as "member",
      };
      desk.users.push(user);
      return json(r, 201, { ...user, link: link() });
    },
  ],
  ["POST", /^\/users\/[\w-]+\/password-link$/, (_q, r) => json(r, 201, link())],
  [
    "PATCH",
    /^\/users\/([\w-]+)$/,
    async (q, r, [userId]) => {
      const user = desk.users.find((one) => one.id === userId);
      const { disabled, ...change } = await bodyOf(q);
      Object.assign(user ?? {}, change, disabled === undefined ? {} : { state: disabled ? "disabled" : "active" });
      json(r, 200, user);
    },
  ],
  ["GET", /^\/sessions$/, (_q, r) => json(r, 200, { items: desk.sessions, next: null })],
];
