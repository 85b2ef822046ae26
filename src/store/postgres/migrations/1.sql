create table holdfast.store (
    one boolean primary key default true check (one),
    identity uuid not null
);
insert into holdfast.store (identity) values (gen_random_uuid());

create table holdfast.tree (
    id int generated always as identity primary key,
    name text unique not null
);

create table holdfast.row (
    tree int not null,
    key bytea not null,
    commit bigint not null,
    record bytea not null,
    primary key (tree, key)
) with (fillfactor = 80);

create table holdfast.lease (
    system text primary key,
    epoch bigint not null,
    last bigint not null,
    node text not null,
    start text not null,
    url text not null,
    until timestamptz not null
);

create table holdfast.node (
    name text primary key,
    url text not null,
    seen timestamptz not null
);

create sequence holdfast.commit_block increment 1000000;

-- Writes group `n` of a system, if it is the next one and the epoch is that of the lease. The row lock of the lease orders
-- the groups of a system, and a null record removes a row.
create function holdfast.write_group(
    of_system text, of_epoch bigint, n bigint, trees int[], keys bytea[], commits bigint[], records bytea[]
) returns boolean language plpgsql as $$
begin
    update holdfast.lease set last = n where system = of_system and epoch = of_epoch and last = n - 1;
    if not found then
        return false;
    end if;
    delete from holdfast.row as kept using unnest(trees, keys, records) as gone (tree, key, record)
        where gone.record is null and kept.tree = gone.tree and kept.key = gone.key;
    insert into holdfast.row as kept (tree, key, commit, record)
        select put.tree, put.key, put.commit, put.record
        from unnest(trees, keys, commits, records) as put (tree, key, commit, record)
        where put.record is not null
        on conflict on constraint row_pkey do update set commit = excluded.commit, record = excluded.record;
    return true;
end $$;
