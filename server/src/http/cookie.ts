/** Over https the name begins with __Host-: a sibling domain cannot plant one, and it holds for this host and the whole of it. */
const SECURE_NAME = "__Host-earshot";
const PLAIN_NAME = "earshot";

type Cookies = Readonly<Record<string, string | undefined>>;

/** The session token a browser sent, or null. */
export const tokenIn = (cookies: Cookies): string | null => cookies[SECURE_NAME] ?? cookies[PLAIN_NAME] ?? null;

/** Set-Cookie that keeps `token` until `expiresAt`: unreadable to scripts, not sent along by other sites, only over https if `secure`. */
export const keepToken = (token: string, expiresAt: Date, secure: boolean): string =>
  `${secure ? SECURE_NAME : PLAIN_NAME}=${token}; Path=/; HttpOnly; SameSite=Lax; Expires=${expiresAt.toUTCString()}${secure ? "; Secure" : ""}`;

/** Set-Cookies that take it away under both names. */
export const dropToken = (): string[] => [
  `${SECURE_NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure`,
  `${PLAIN_NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`,
];
