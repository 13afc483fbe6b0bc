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

export class NoSuchUser extends Failure {
  readonly code = "USER_NOT_FOUND";
  readonly blame: Blame = "caller";
  readonly status = 404;
  constructor() {
    super("There is no such person.", { remedy: "GET /api/users lists the accounts that exist." });
  }
}

export class EmailTaken extends Failure {
  readonly code = "EMAIL_TAKEN";
  readonly blame: Blame = "caller";
  readonly status = 409;
  constructor() {
    super("Somebody with this e-mail has an account already.", {
      remedy: "Find it in the list: enable it, or make it a new link to choose a password.",
      fields: [{ field: "email", message: "has an account already" }],
    });
  }
}

/** Nobody could invite, enable or configure any more. */
export class LastAdmin extends Failure {
  readonly code = "LAST_ADMIN";
  readonly blame: Blame = "caller";
  readonly status = 409;
  constructor(field: "role" | "disabled") {
    super("This is the last administrator.", {
      remedy: "Make somebody else an administrator first.",
      fields: [{ field, message: "would leave nobody to administrate" }],
    });
  }
}

/** The account of ADMIN_EMAIL is what the configuration says at every start; a change here would not last. */
export class FollowsConfiguration extends Failure {
  readonly code = "FOLLOWS_CONFIGURATION";
  readonly blame: Blame = "caller";
  readonly status = 409;
  constructor(field: "role" | "disabled" | "password") {
    super("This account is the one of the configuration.", {
      remedy: "Change ADMIN_EMAIL or ADMIN_PASSWORD and restart the server.",
      fields: [{ field, message: "follows the configuration" }],
    });
  }
}

export class AccountDisabled extends Failure {
  readonly code = "ACCOUNT_DISABLED";
  readonly blame: Blame = "caller";
  readonly status = 409;
  constructor() {
    super("This account is disabled.", { remedy: "Enable it first." });
  }
}

export class PasswordLinkRefused extends Failure {
  readonly code = "PASSWORD_LINK_REFUSED";
  readonly blame: Blame = "caller";
  readonly status = 403;
  constructor() {
    super("This link to choose a password is used up, expired or unknown.", { remedy: "Ask an administrator for a new one." });
  }
}

export class PasswordTooPlain extends Failure {
  readonly code = "PASSWORD_TOO_PLAIN";
  readonly blame: Blame = "caller";
  readonly status = 422;
  constructor() {
    super("This password is among the first that are guessed.", {
      remedy: "Take several words that do not belong together, or let a password manager make one.",
      fields: [{ field: "password", message: "is too easily guessed" }],
    });
  }
}

/** Not 401: the session is good, only the word is not. */
export class CurrentPasswordWrong extends Failure {
  readonly code = "CURRENT_PASSWORD_WRONG";
  readonly blame: Blame = "caller";
  readonly status = 422;
  constructor() {
    super("This is not your current password.", {
      remedy: "Type it again. If it is forgotten, ask an administrator for a link to choose a new one.",
      fields: [{ field: "current", message: "is not your password" }],
    });
  }
}

export class NoSuchSession extends Failure {
  readonly code = "SESSION_NOT_FOUND";
  readonly blame: Blame = "caller";
  readonly status = 404;
  constructor() {
    super("There is no such session of yours.", { remedy: "GET /api/sessions lists the open ones." });
  }
}
