-- What the last attempt to make or verify a recording met, while it waits for the next one: {code, message, remedy}. Of its present status alone.

alter table recordings add column trouble jsonb;
