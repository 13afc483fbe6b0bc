import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import type { FormEvent, ReactNode } from "react";
import { ask } from "../ask/ask.ts";
import { Refused } from "../ask/failures.ts";
import { Session } from "../ask/shapes.ts";
import { Outer } from "../frame/Outer.tsx";
import { Button } from "../look/Button.tsx";
import { TextField } from "../look/Field.tsx";
import { Trouble } from "../look/Trouble.tsx";
import { useTitle } from "../look/use-title.ts";

export function SignInPage(): ReactNode {
  useTitle("Sign in");
  const { to } = useSearch({ from: "/sign-in" });
  const client = useQueryClient();
  const router = useRouter();
  const signIn = useMutation({
    mutationFn: (body: unknown) => ask(Session, "/session", { method: "POST", body }),
    onSuccess: () => {
      client.clear();
      router.history.replace(to ?? "/calls");
    },
  });
  const field = (name: string) => (signIn.error instanceof Refused ? signIn.error.field(name) : null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!signIn.isPending) signIn.mutate(Object.fromEntries(new FormData(event.currentTarget)));
  };
  return (
    <Outer>
      <h1 className="sr-only">Sign in</h1>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField label="E-mail" name="email" type="email" autoComplete="username" required autoFocus wrong={field("email")} />
        <TextField label="Password" name="password" type="password" autoComplete="current-password" required wrong={field("password")} />
        {signIn.error && <Trouble error={signIn.error} />}
        <Button type="submit" look="main" busy={signIn.isPending}>
          Sign in
        </Button>
      </form>
      <p className="text-small text-soft">The first account's sign-in link is printed in the terminal when Earshot starts.</p>
    </Outer>
  );
}
