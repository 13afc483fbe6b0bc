import { type Blame, Failure } from "../failure.ts";

/** One answer for an unknown e-mail, a wrong password and a disabled user: none of them tells which it was. */
export class SignInRefused extends Failure {
  readonly code = "SIGN_IN_REFUSED";
  readonly blame: Blame = "caller";
  readonly status = 401;
  constructor() {
    super("The e-mail or the password is wrong.", {
      remedy: "Try again. An administrator's password is ADMIN_PASSWORD of the configuration; a one-time link is printed at start.",
    });
  }
}

export class SignInLinkRefused extends Failure {
  readonly code = "SIGN_IN_LINK_REFUSED";
  readonly blame: Blame = "caller";
  readonly status = 401;
  constructor() {
    super("This sign-in link is used up, expired or unknown.", {
      remedy: "Sign in with e-mail and password, or restart the server for a new link.",
    });
  }
}

export class TooManySignIns extends Failure {
  readonly code = "TOO_MANY_SIGN_INS";
  readonly blame: Blame = "caller";
  readonly status = 429;
  readonly retryAfterS: number;
  constructor(retryAfterS: number) {
    super("Too many attempts to sign in.", { remedy: `Wait ${Math.ceil(retryAfterS / 60)} min, then try again.` });
    this.retryAfterS = retryAfterS;
  }
}

export class NoSuchKey extends Failure {
  readonly code = "API_KEY_NOT_FOUND";
  readonly blame: Blame = "caller";
  readonly status = 404;
  constructor() {
    super("There is no such API key.", { remedy: "GET /api/keys lists the keys that exist." });
  }
}
