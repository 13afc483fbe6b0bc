/** Signing in and out. */
import { bodyOf, json, problem, type Route } from "./answers.ts";
import type { World } from "./world.ts";

export const sessionRoutes = (world: World): Route[] => [
  [
    "GET",
    /^\/session$/,
    (_q, r) =>
      world.signedIn ? json(r, 200, world.session) : problem(r, 401, "SIGN_IN_NEEDED", "You are not signed in.", "Sign in again."),
  ],
  [
    "POST",
    /^\/session$/,
    async (q, r) => {
      const body = await bodyOf(q);
      if (body.password === "wrong")
        return problem(
          r,
          401,
          "SIGN_IN_REFUSED",
          "E-mail and password do not fit together.",
          "Check both, or start Earshot again for a new sign-in link.",
        );
      world.signedIn = true;
      return json(r, 200, world.session);
    },
  ],
  [
    "POST",
    /^\/session\/link$/,
    async (q, r) => {
      if ((await bodyOf(q)).token === "used-used-used-used-used")
        return problem(r, 401, "LINK_USED", "This link was already used, or is too old.", "Start Earshot again for a new one.");
      world.signedIn = true;
      return json(r, 200, world.session);
    },
  ],
  [
    "DELETE",
    /^\/session$/,
    (_q, r) => {
      world.signedIn = false;
      json(r, 204, undefined);
    },
  ],
  [
    "PUT",
    /^\/session\/password$/,
    (_q, r) =>
      problem(r, 422, "CURRENT_PASSWORD_WRONG", "This is not your current password.", "Type it again.", [
        { field: "current", message: "is not your password" },
      ]),
  ],
];
