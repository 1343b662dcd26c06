//! The description of the API is whole: every operation, every reference, every refusal.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Browser, Web};

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(target) if name == "$ref" => {
                        found.insert(target.to_owned());
                    }
                    _ => references(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|v| references(v, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn every_operation_is_described_with_its_refusals() {
    let web = Web::new().await;
    let description = web.get(&Browser::default(), "/openapi.json").await.ok(200);
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            let refusal =
                &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(refusal, &json!("#/components/schemas/Problem"), "{method} {path}");
        }
    }
    operations.sort();
    insta::assert_snapshot!(operations.join("\n"));

    let mut found = BTreeSet::new();
    references(&description, &mut found);
    for target in found {
        let pointer = target.trim_start_matches('#');
        assert!(description.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

#[tokio::test]
async fn nobody_gets_anything_without_signing_in() {
    let web = Web::new().await;
    let description = web.get(&Browser::default(), "/openapi.json").await.ok(200);
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"].is_null() {
                assert!(path.starts_with("/api/v1/session"), "{method} {path} needs no session?");
                continue;
            }
            let path = path.trim_start_matches("/api/v1").replace("{revision}", "1");
            let path = path.replace(['{', '}'], "");
            let answer = web.call(&Browser::default(), &method.to_uppercase(), &path, json!({})).await;
            assert_eq!(answer.problem(), (401, "session.over".to_owned()), "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked >= 40, "only {asked} operations were tried");
}
