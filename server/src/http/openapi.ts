import { Agent, AgentSettings } from "@earshot/contract/agent";
import { ApiKey } from "@earshot/contract/api-key";
import { Call, CallEvent, LiveChange, PlaceCall, Utterance } from "@earshot/contract/call";
import { Problem } from "@earshot/contract/problem";
import { Peaks, Recording } from "@earshot/contract/recording";
import { Session } from "@earshot/contract/session";
import { Webhook } from "@earshot/contract/webhook";
import swagger, { type SwaggerTransform } from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";

const named = {
  Agent,
  AgentSettings,
  ApiKey,
  Call,
  CallEvent,
  LiveChange,
  Peaks,
  PlaceCall,
  Problem,
  Recording,
  Session,
  Utterance,
  Webhook,
};

/** Describes every route of the API from the schemas it is checked with. The routes registered after this are in it. */
export async function openApi(app: FastifyInstance): Promise<void> {
  const schemaRegistry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) schemaRegistry.add(schema, { id });
  const zodTransform = createJsonSchemaTransform({ schemaRegistry }) as SwaggerTransform;
  const addComponents = createJsonSchemaTransformObject({ schemaRegistry });

  const transform: SwaggerTransform = (document) => {
    const { schema, url } = zodTransform(document);
    const access = document.route.config?.access;
    const open = access && ("open" in access || ("needs" in access && (access.orLink || access.orLoopback)));
    return { url, schema: open ? { ...schema, security: [{}, { key: [] }, { cookie: [] }] } : schema };
  };

  app.addHook("onRoute", (route) => {
    if (!route.schema || route.schema.hide) {
      route.schema = { ...route.schema, hide: true };
      return;
    }
    const problem = { description: "What went wrong, and what to do.", content: { "application/problem+json": { schema: Problem } } };
    route.schema = { ...route.schema, response: { ...(route.schema.response as object | undefined), default: problem } };
  });

  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Earshot",
        version: "1",
        description:
          "Every call, word, feeling and recording. Snake case, times in ISO 8601 UTC, durations in milliseconds; a list is {items, next}, `next` the cursor of the following page; errors are problem+json.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      security: [{ key: [] }, { cookie: [] }],
      components: {
        securitySchemes: {
          key: { type: "http", scheme: "bearer", description: "An API key." },
          cookie: {
            type: "apiKey",
            in: "cookie",
            name: "earshot",
            description: "A session; changes also need the X-CSRF-Token header. Over https the cookie is named __Host-earshot.",
          },
        },
      },
      tags: ["calls", "recordings", "keeping", "live", "agents", "listeners", "session", "keys", "operation"].map((name) => ({ name })),
    },
    transform,
    transformObject: (document) => onlyUsed(addComponents(document as never) as OpenApiDocument) as never,
  });

  app.get(
    "/api/openapi.json",
    { config: { access: { open: "programs read it before they have a key" } }, schema: { hide: true } },
    async () => app.swagger(),
  );
}

interface OpenApiDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** The library makes each schema once as input and once as output; those nothing refers to are left out. */
function onlyUsed(document: OpenApiDocument): OpenApiDocument {
  let schemas = { ...document.components?.schemas };
  for (;;) {
    const text = JSON.stringify({ ...document, components: { ...document.components, schemas } });
    const used = Object.entries(schemas).filter(([name]) => text.includes(`"#/components/schemas/${name}"`) || name === "LiveChange");
    if (used.length === Object.keys(schemas).length) return { ...document, components: { ...document.components, schemas } };
    schemas = Object.fromEntries(used);
  }
}
