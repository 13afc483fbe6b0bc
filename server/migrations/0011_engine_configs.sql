-- Where an engine keeps settings of its own (EVI's Configs): which of them is which agent's, so that none is made twice.

create table engine_configs (
  account text not null,                      -- whose account at which address, hashed
  agent_id uuid not null references agents,
  agent_version int not null,
  config text not null,                       -- the vendor's id
  config_version int not null,
  mark text not null,                         -- hash of what stands in it
  made_at timestamptz not null default now(),
  primary key (account, agent_id, agent_version)
);
