//! Products, buys, operations and the audit log.

use schemars::JsonSchema;

use super::{Answer, Audience, Effect, Tool, Verb};
use crate::{
    app::{App, ListProducts, caller::Caller, error::AppError},
    domain::id::OperationId,
    web::{
        json::{Arguments, read},
        v1::{
            audited::AuditAnswer,
            listed::{BuysAnswer, ProductsAnswer},
            operation::OperationAnswer,
            queries::{AuditQuery, BuysQuery, OperationQuery, ProductQuery},
        },
    },
};

/// The entries of the table.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "list_products",
        title: "List products",
        description: "The packages that can be bought: price, floor price, creative formats and platform; platforms says once for each \
                      platform what its packages can be targeted by. Call it before create_media_buy: targeting that is not listed is \
                      refused. fields makes the answer shorter.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/products",
        input: ProductQuery::json_schema,
        output: ProductsAnswer::json_schema,
        example: r#"{"format": "audio"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(list_products(app, caller, arguments)),
    },
    Tool {
        name: "list_media_buys",
        title: "List media buys",
        description: "Your media buys, newest first, by status, platform or purchase order number. The status is the one last \
                      recorded; check_media_buy_status asks the ad servers. If next_cursor is there, send it as cursor for \
                      the next page.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/media-buys",
        input: BuysQuery::json_schema,
        output: BuysAnswer::json_schema,
        example: r#"{"status": "active", "limit": 20}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(list_media_buys(app, caller, arguments)),
    },
    Tool {
        name: "get_operation",
        title: "Get an operation",
        description: "How far an accepted change is carried out: its state (succeeded and failed are the ends), its part on each \
                      platform, its steps, its result or error, and the task if it waits for a person. Poll it, with growing \
                      pauses, after an answer that says being carried out.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/operations/{operation_id}",
        input: OperationQuery::json_schema,
        output: OperationAnswer::json_schema,
        example: r#"{"operation_id": "op_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(get_operation(app, caller, arguments)),
    },
    Tool {
        name: "list_audit",
        title: "Read the audit log",
        description: "Who did what, oldest first: accepted operations and how they ended, decisions with their words, tokens, \
                      configurations and adapter releases. Each line is linked to the one before it; `flightdeck audit \
                      verify` proves that none was edited.",
        audience: Audience::Operators,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/audit",
        input: AuditQuery::json_schema,
        output: AuditAnswer::json_schema,
        example: r#"{"limit": 100}"#,
        may_be_pending: false,
        run: |app, _, arguments, _| Box::pin(list_audit(app, arguments)),
    },
];

async fn list_audit(app: App, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AuditQuery = read(arguments)?;
    let page = app
        .list_audit(request.cursor.as_ref().map(|cursor| cursor.0.as_str()), request.limit.map(|limit| limit.0))
        .await?;
    Answer::new(&AuditAnswer::try_from(page)?)
}

async fn list_products(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ProductQuery = read(arguments)?;
    let asked = ListProducts {
        platform: request.platform.map(|platform| platform.0),
        format: request.format,
        limit: request.limit.map(|limit| limit.0),
        cursor: request.cursor.map(|cursor| cursor.0),
    };
    let products = app.list_products(&caller, asked).await?;
    Answer::new(&ProductsAnswer::of(&products, request.fields.as_ref()))
}

async fn list_media_buys(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: BuysQuery = read(arguments)?;
    let page = app.list_media_buys(&caller, request.into()).await?;
    Answer::new(&BuysAnswer::from(page))
}

async fn get_operation(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: OperationQuery = read(arguments)?;
    let view = app.get_operation(&caller, &OperationId::new(request.operation_id.0)).await?;
    Answer::new(&OperationAnswer::from(&view))
}
