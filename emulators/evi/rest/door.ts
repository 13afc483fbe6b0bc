import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import {
  type ConfigBody,
  ConfigBody as ConfigSchema,
  configAnswer,
  type Libraries,
  missing,
  PromptBody,
  promptAnswer,
  ToolBody,
  toolAnswer,
} from "./bodies.ts";
import type { Library, Version } from "./library.ts";
import { PageQuery, pageOf } from "./pages.ts";

const Create = z.looseObject({ name: z.string().min(1), version_description: z.string().nullish() });
const ListQuery = PageQuery.extend({ restrict_to_most_recent: z.stringbool().default(true), name: z.string().optional() });
const Id = z.looseObject({ id: z.string(), version: z.coerce.number().int().optional() });

/** A refusal as Hume words it. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Refusals, and bodies and queries that do not fit, become answers. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((problem, _request, reply) => {
    if (problem instanceof Refused)
      return reply.status(problem.status).send({ code: `E${problem.status}`, error: problem.message, message: problem.message });
    if (problem instanceof z.ZodError) {
      const first = problem.issues[0];
      const text = `${first?.path.join(".") || "body"}: ${first?.message ?? "is not valid"}`;
      return reply.status(400).send({ code: "E0101", error: text, message: text });
    }
    const status = (problem as { statusCode?: number }).statusCode ?? 500;
    return reply.status(status).send({ code: `E${status}`, message: (problem as Error).message });
  });
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ code: "E404", message: "Not Found" }));
}

/** The routes of configs, prompts and tools: the same ones for each. */
export function libraryRoutes(app: FastifyInstance, libraries: Libraries): void {
  shelf(
    app,
    "configs",
    libraries.configs,
    ConfigSchema,
    (one) => configAnswer(one, libraries),
    (body) => missing(body, libraries),
  );
  shelf(app, "prompts", libraries.prompts, PromptBody, promptAnswer);
  shelf(app, "tools", libraries.tools, ToolBody, toolAnswer);
}

function shelf<Body extends ConfigBody | z.infer<typeof PromptBody> | z.infer<typeof ToolBody>>(
  app: FastifyInstance,
  noun: "configs" | "prompts" | "tools",
  library: Library<Body>,
  schema: z.ZodType<Body>,
  answer: (one: Version<Body>) => Record<string, unknown>,
  wrongWith: (body: Body) => string | null = () => null,
): void {
  const path = `/v0/evi/${noun}`;
  const found = (one: Version<Body> | null | undefined, id: string): Version<Body> => {
    if (!one) throw new Refused(404, `There is no such thing in ${noun}: ${id}`);
    return one;
  };
  const parse = (body: unknown): Body => {
    const parsed = schema.parse(body);
    const wrong = wrongWith(parsed);
    if (wrong) throw new Refused(400, wrong);
    return parsed;
  };

  app.get(path, (request) => {
    const query = ListQuery.parse(request.query);
    const { head, items } = pageOf(library.list(query.restrict_to_most_recent, query.name ?? null), query);
    return { ...head, [`${noun}_page`]: items.map(answer) };
  });

  app.post(path, (request, reply: FastifyReply) => {
    const { name, version_description } = Create.parse(request.body);
    return reply.status(201).send(answer(library.create(name, version_description ?? null, parse(request.body))));
  });

  app.get(`${path}/:id`, (request) => {
    const { id } = Id.parse(request.params);
    found(library.find(id), id);
    const { head, items } = pageOf(library.versions(id), PageQuery.parse(request.query));
    return { ...head, [`${noun}_page`]: items.map(answer) };
  });

  app.post(`${path}/:id`, (request, reply: FastifyReply) => {
    const { id } = Id.parse(request.params);
    const description = z.looseObject({ version_description: z.string().nullish() }).parse(request.body).version_description ?? null;
    return reply.status(201).send(answer(found(library.add(id, description, parse(request.body)), id)));
  });

  app.patch(`${path}/:id`, (request, reply: FastifyReply) => {
    const { id } = Id.parse(request.params);
    found(library.find(id), id);
    library.rename(id, z.looseObject({ name: z.string().min(1) }).parse(request.body).name);
    return reply.type("text/plain").send("OK");
  });

  app.delete(`${path}/:id`, (request, reply: FastifyReply) => {
    const { id } = Id.parse(request.params);
    found(library.find(id), id);
    library.remove(id);
    return reply.status(204).send();
  });

  app.get(`${path}/:id/version/:version`, (request) => {
    const { id, version } = Id.parse(request.params);
    return answer(found(library.find(id, version ?? null), id));
  });

  app.patch(`${path}/:id/version/:version`, (request) => {
    const { id, version } = Id.parse(request.params);
    const description = z.looseObject({ version_description: z.string().nullish() }).parse(request.body).version_description ?? null;
    return answer(found(library.describe(id, version ?? 0, description), id));
  });

  app.delete(`${path}/:id/version/:version`, (request, reply: FastifyReply) => {
    const { id, version } = Id.parse(request.params);
    found(library.find(id, version ?? null), id);
    library.remove(id, version ?? 0);
    return reply.status(204).send();
  });
}

/** Access tokens: 30 minutes, got with the API key and a secret, of which any is taken. */
export function tokenRoute(app: FastifyInstance, apiKey: string, now: () => number): { isValid(token: string): boolean } {
  const tokens = new Map<string, number>();
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.post("/oauth2-cc/token", (request: FastifyRequest) => {
    const [kind, encoded = ""] = (request.headers.authorization ?? "").split(" ");
    const [key, secret] = Buffer.from(encoded, "base64").toString("utf8").split(":");
    if (kind !== "Basic" || key !== apiKey || !secret) throw new Refused(401, "Invalid client credentials");
    if (new URLSearchParams(String(request.body)).get("grant_type") !== "client_credentials")
      throw new Refused(400, "grant_type must be client_credentials");
    const token = randomUUID().replaceAll("-", "");
    tokens.set(token, now() + 1_800_000);
    return { access_token: token, token_type: "bearer", expires_in: 1_800 };
  });
  return { isValid: (token) => (tokens.get(token) ?? 0) > now() };
}
