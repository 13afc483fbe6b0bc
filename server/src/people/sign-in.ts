import type pg from "pg";
import type { Clock } from "../clock.ts";
import { recordAudit } from "./audits.ts";
import { SignInRefused, TooManySignIns } from "./failures.ts";
import { hashPassword, isOutdated, isPassword } from "./passwords.ts";
import { newSecret } from "./secrets.ts";
import { forgiveAttempt, takeAttempt } from "./sign-in-throttle.ts";
import { replaceHash, type User, userToSignIn } from "./users.ts";

/** A verification takes 19 MiB and a thread of the pool the journal writes with: two at once, a short queue, the rest are told to wait. */
const AT_ONCE = 2;
const QUEUE = 20;

export type SignIn = (request: { email: string; password: string; address: string }) => Promise<User>;

/**
 * Makes the sign-in of this process. It throws SignInRefused (the same for an unknown e-mail, a wrong password and a disabled user, after
 * the same work) and TooManySignIns.
 */
export function openSignIn(parts: { readonly pool: pg.Pool; readonly clock: Clock }): SignIn {
  const { pool, clock } = parts;
  const inTurn = atMost(AT_ONCE, QUEUE);
  const nobody = hashPassword(newSecret());

  return async ({ email, password, address }) => {
    await takeAttempt(pool, { email, address }, clock);
    const user = await userToSignIn(pool, email);
    const right = await inTurn(async () => isPassword(password, user?.passwordHash ?? (await nobody)));
    if (!user || !right) {
      await recordAudit(pool, { at: clock.now(), actor: user ? `user:${user.id}` : "us", action: "session.refused", detail: { address } });
      throw new SignInRefused();
    }
    await forgiveAttempt(pool, { email, address });
    if (isOutdated(user.passwordHash)) await replaceHash(pool, user.id, await hashPassword(password));
    return { id: user.id, email: user.email, role: user.role };
  };
}

/** Runs at most `running` of what it is given at once, keeps `waiting` in a queue, and refuses more with TooManySignIns. */
function atMost(running: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = running;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else if (queue.length >= waiting) throw new TooManySignIns(1);
    else await new Promise<void>((go) => queue.push(go));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else free += 1;
    }
  };
}
