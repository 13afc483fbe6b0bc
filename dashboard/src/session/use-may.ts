import { useQuery } from "@tanstack/react-query";
import { queries } from "../ask/queries.ts";
import { type Permission, roleMay } from "../ask/shapes.ts";

/** May whoever is signed in do this? The same table the server asks. */
export function useMay(permission: Permission): boolean {
  const session = useQuery(queries.session());
  return session.data !== undefined && roleMay(session.data.user.role, permission);
}
