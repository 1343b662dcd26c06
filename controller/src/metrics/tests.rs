//! The figures as they are read.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use loa_speech::Secret;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::scrape::{Scrape, Sources};
use crate::broker::Incoming;
use crate::services::story::{NOON, Story, node};
use crate::store::{Said, presence, query};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/loa-lang.json");

fn sources(story: &Story, incoming: &mpsc::Sender<Incoming>) -> Sources {
    Sources {
        metrics: story.services.metrics().clone(),
        store: story.services.store().clone(),
        clock: story.clock.clone(),
        incoming: incoming.downgrade(),
        broker: None,
        refused_reports: Default::default(),
        deliveries: story.services.deliveries().clone(),
        links: Vec::new(),
        certificates: vec![("broker", NOON + 86_400_000)],
    }
}

async fn read(story: &Story, token: &str, shown: Option<&str>) -> (StatusCode, String) {
    let (incoming, _reports) = mpsc::channel(4);
    let mut request = Request::get("/metrics");
    if let Some(shown) = shown {
        request = request.header("authorization", format!("Bearer {shown}"));
    }
    let router = Scrape::new(sources(story, &incoming), Secret::new(token)).router();
    let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "{line} is not among\n{text}");
    }
}

#[tokio::test]
async fn what_is_counted_is_read_by_whoever_shows_the_token() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    let metrics = story.services.metrics();
    metrics.ingest.kept("receipt");
    metrics.ingest.kept_receipts(20);
    metrics.ingest.committed(7, Duration::from_millis(3));
    metrics.plans.passed(true, NOON - 5_000, Duration::from_millis(200));
    metrics.plans.passed(false, NOON, Duration::from_millis(1));
    story.services.deliveries().count_sent(true, 16_384, 20, 3);
    assert_eq!(read(&story, "khóa", None).await, (StatusCode::UNAUTHORIZED, String::new()));
    assert_eq!(read(&story, "khóa", Some("khoa")).await.0, StatusCode::UNAUTHORIZED);
    let (status, text) = read(&story, "khóa", Some("khóa")).await;
    assert_eq!(status, StatusCode::OK);
    assert_lines(
        &text,
        &[
            "loa_nodes{state=\"enrolled\"} 1",
            "loa_nodes{state=\"pending\"} 2",
            "loa_nodes{state=\"revoked\"} 0",
            "loa_nodes_connected 0",
            "loa_ingest_reports_total{kind=\"receipt\"} 1",
            "loa_ingest_receipts_total 20",
            "loa_ingest_batch_reports_sum 7.0",
            "loa_ingest_commit_seconds_bucket{le=\"0.005\"} 1",
            "loa_plans_lag_seconds 5.0",
            "loa_plans_pass_failures_total 1",
            "loa_plans_pass_seconds_count 2",
            "loa_transfer_blocks_total{way=\"wave\"} 1",
            "loa_transfer_bytes_total{what=\"wasted\"} 49152",
            "loa_certificate_not_after_timestamp_seconds{certificate=\"broker\"} 1795395600.0",
            "# EOF",
        ],
    );
    assert_eq!(read(&story, "", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn nodes_are_counted_as_they_are_connected_and_as_their_certificates_end() {
    let story = Story::new().await;
    for (id, serial) in [("cum-1", "0a"), ("cum-2", "0b")] {
        story.enrolled(id, serial).await;
    }
    let presence = |online| loa_protocol::report::Presence {
        boot: loa_protocol::ids::BootId([1; 8]),
        connection: 1,
        online,
    };
    let mut tx = story.services.store().append().await.unwrap();
    let words = [(node("cum-1"), presence(true)), (node("cum-2"), presence(false))];
    let said = words.each_ref().map(|(node, word)| Said { node, at: NOON, word });
    presence::put(&mut tx, &said).await.unwrap();
    // One of the two certificates ends in a month; the story's last for years.
    query("UPDATE node SET certificate_expires_ms = $1 WHERE id = 'cum-2'")
        .bind((NOON + 30 * 86_400_000).0)
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (_, text) = read(&story, "", None).await;
    assert_lines(&text, &["loa_nodes_connected 1", "loa_nodes_certificate_expiring 1"]);
}

#[tokio::test]
async fn the_last_emergency_shows_how_many_it_reached_and_how_soon() {
    let story = Story::new().await;
    for (id, serial) in [("cum-1", "0a"), ("cum-2", "0b"), ("cum-x", "0c")] {
        story.enrolled(id, serial).await;
    }
    let (incoming, _reports) = mpsc::channel(4);
    let scrape = Scrape::new(sources(&story, &incoming), Secret::default());
    let text = scrape.text().await.unwrap();
    assert_lines(&text, &["loa_alert_answers{stage=\"sounding\"} 0"]);

    let draft = crate::services::story::alert_draft(&["da-don"]);
    let given = story.services.alerts.give(&story.operator, &draft, None).await.unwrap();
    let id = given.alert.id.to_string();
    let mut tx = story.services.store().write().await.unwrap();
    query("UPDATE alert SET released_ms = $1 WHERE id = $2")
        .bind(NOON.0)
        .bind(&id)
        .execute(&mut tx)
        .await
        .unwrap();
    let told = async |tx: &mut crate::store::WriteTx, node: &str, started: Option<i64>| {
        query(
            "INSERT INTO alert_answer (alert_id, node_id, received_ms, verified_ms, started_ms, told_ms)
             VALUES ($1, $2, $3, $3, $4, $3)",
        )
        .bind(&id)
        .bind(node)
        .bind(NOON.0 + 250)
        .bind(started.map(|ms| NOON.0 + ms))
        .execute(tx)
        .await
        .unwrap();
    };
    told(&mut tx, "cum-1", Some(1_500)).await;
    told(&mut tx, "cum-2", None).await;
    tx.commit().await.unwrap();
    let sounding = |nodes: u32, last: &str| {
        [
            format!("loa_alert_answers{{stage=\"sounding\"}} {nodes}"),
            format!("loa_alert_answer_seconds{{stage=\"sounding\",quantile=\"1\"}} {last}"),
            "loa_alert_answers{stage=\"verified\"} 2".to_owned(),
            "loa_alert_answer_seconds{stage=\"received\",quantile=\"0.5\"} 0.25".to_owned(),
        ]
    };
    let lines = |wanted: &[String; 4], text: &str| {
        assert_lines(text, &wanted.each_ref().map(String::as_str));
    };
    lines(&sounding(1, "1.5"), &scrape.text().await.unwrap());
    lines(&sounding(1, "1.5"), &scrape.text().await.unwrap());

    let mut tx = story.services.store().write().await.unwrap();
    query("UPDATE alert_answer SET started_ms = $1 WHERE node_id = 'cum-2'")
        .bind(NOON.0 + 4_000)
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    lines(&sounding(2, "4.0"), &scrape.text().await.unwrap());
    assert!(!scrape.text().await.unwrap().contains(&id), "no label names the emergency");
    story.clock.advance(86_400_001);
    assert_lines(&scrape.text().await.unwrap(), &["loa_alert_answers{stage=\"sounding\"} 0"]);
}

#[tokio::test]
async fn no_id_and_no_name_is_a_label() {
    let story = Story::new().await;
    story.enrolled("cum-1", "0a").await;
    let http = &story.services.metrics().http;
    http.answered(&Method::GET, Some("/nodes/{id}"), 200, Default::default());
    http.answered(&Method::from_bytes(b"CUM-1").unwrap(), None, 404, Default::default());
    let (_, text) = read(&story, "", None).await;
    for word in ["cum-1", "CUM-1", "thon", "da-don", "Cụm"] {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
    assert_lines(&text, &["loa_http_requests_total{method=\"other\",route=\"none\",status=\"404\"} 1"]);
}

/// Every word of an expression that is a figure of ours.
fn named(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("loa_") || word.starts_with("process_"))
}

#[tokio::test]
async fn every_figure_of_the_dashboard_and_of_the_manual_exists() {
    let story = Story::new().await;
    let (incoming, _reports) = mpsc::channel(4);
    story.services.metrics().http.answered(&Method::GET, Some("/"), 200, Default::default());
    let text = Scrape::new(sources(&story, &incoming), Secret::default()).text().await.unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let names: BTreeSet<&str> = samples.filter_map(|line| line.split(['{', ' ']).next()).collect();
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut wanted = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            wanted.extend(named(target["expr"].as_str().unwrap()));
        }
    }
    assert!(wanted.len() > 25, "{wanted:?}");
    let manual = include_str!("../../../docs/operations.md");
    let (_, figures) = manual.split_once("\n## Figures\n").unwrap();
    wanted.extend(named(figures.split("\n## ").next().unwrap()));
    for name in wanted {
        // A histogram has no sample of its own name.
        let is_there = names.contains(name) || names.contains(format!("{name}_bucket").as_str());
        assert!(is_there, "{name} is not among {names:?}");
    }
}
