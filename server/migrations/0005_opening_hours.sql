-- A call from outside the opening hours, met by a sentence or another number instead of an agent.

alter table calls add column closed_at timestamptz; -- when it was met so; null: an agent took it, or nobody did
