//! What a role allows, as a look tells it.

use placet_domain::observation::Scope;

use crate::ground::Ground;
use crate::look;

#[tokio::test]
async fn a_look_tells_what_a_role_really_allows() {
    let ground = Ground::new("scope", &["read", "write"]).await;
    ground
        .server
        .by_hand(
            "create schema scope_shop; create table scope_shop.orders(id int, total int); \
             create table scope_shop.\"Odd; one\"(id int); create sequence scope_shop.numbers; \
             create function scope_shop.bill(integer, text) returns int language sql as 'select 1'; \
             grant usage on schema scope_shop to scope_read; \
             grant select on scope_shop.orders to scope_read; \
             grant scope_read to scope_write; \
             grant update, insert on scope_shop.orders to scope_write; \
             grant update (total) on scope_shop.orders to scope_write; \
             grant usage on sequence scope_shop.numbers to scope_write; \
             grant execute on function scope_shop.bill to scope_write with grant option; \
             alter table scope_shop.\"Odd; one\" owner to scope_write",
        )
        .await;
    let target = ground.target(&[]);
    let write = ground.binding("write", "ines");
    let told =
        async |scope: Scope| look(&*target, scope).await.scopes.remove(&write.native).unwrap();
    let oid =
        ground.server.ask("select oid::text from pg_roles where rolname = 'scope_write'").await;
    let expect = format!(
        "oid {oid}; passed on by scope_placet; inherits scope_read; column scope_shop.orders.total: update; \
         function scope_shop.bill(integer, text): execute (and may grant it); \
         schema scope_shop: usage; sequence scope_shop.numbers: usage; \
         table scope_shop.\"Odd; one\": owner; table scope_shop.orders: insert, select, update"
    );
    assert_eq!(told(Scope::Binding(write.clone())).await, expect);
    assert_eq!(told(Scope::Everything).await, expect, "both looks tell the same");
    // What reaches it by another role is its own as well.
    ground.server.by_hand("grant delete on scope_shop.orders to scope_read").await;
    let after = told(Scope::Binding(write.clone())).await;
    assert!(after.ends_with("table scope_shop.orders: delete, insert, select, update"), "{after}");
    // A member who may pass it on, which no list of members shows.
    ground.account("ines").await;
    ground.server.by_hand("grant scope_write to scope_ines with admin option").await;
    let after = told(Scope::Everything).await;
    assert!(after.contains("; passed on by scope_ines, scope_placet; "), "{after}");
    ground.server.by_hand("grant pg_read_all_data to scope_read").await;
    let after = told(Scope::Everything).await;
    assert!(after.contains("; inherits pg_read_all_data, scope_read; "), "{after}");
}
