-- Several processes hear that a phone rings and is answered: one of them opens the engine, since each session is billed.

alter table calls add column prepared_by text;  -- a process; its engine waits for the call's audio
