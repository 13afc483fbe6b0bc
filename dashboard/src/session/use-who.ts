import { useQuery } from "@tanstack/react-query";
import { queries } from "../ask/queries.ts";
import { useMay } from "./use-may.ts";

/** Who `user:<id>`, `key:<id>`, `rule:<id>` or `us` is, as far as whoever looks may know. */
export function useWho(actor: string): string {
  const [kind, id] = actor.split(":");
  const session = useQuery(queries.session());
  const mayUsers = useMay("users.manage");
  const mayKeys = useMay("keys.manage");
  const users = useQuery({ ...queries.users(), enabled: kind === "user" && mayUsers });
  const keys = useQuery({ ...queries.keys(), enabled: kind === "key" && mayKeys });
  if (kind === "user") {
    const own = session.data?.user;
    if (own && own.id === id) return own.email;
    return users.data?.find((user) => user.id === id)?.email ?? "somebody";
  }
  if (kind === "key") return keys.data?.find((key) => key.id === id)?.name ?? "a program";
  return kind === "rule" ? "a rule of keeping" : "Earshot";
}
