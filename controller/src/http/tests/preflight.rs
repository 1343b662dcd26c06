//! What will sound of a schedule, asked for over the API.

use serde_json::{Value, json};

use super::{Browser, Web};
use crate::domain::role::Role;
use crate::services::story::{once, schedule_draft};

#[tokio::test]
async fn what_will_sound_of_a_schedule_is_told_to_who_may_see_it() {
    let web = Web::new().await;
    let story = &web.story;
    for (node, serial) in [("cum-1", "01"), ("cum-2", "02")] {
        story.enrolled(node, serial).await;
    }
    let author = story.person("lan", Role::Author, "da-don").await;
    let approver = story.person("minh", Role::Approver, "da-don").await;
    let admin = story.person("quan.tri", Role::Admin, "da-don").await;
    let stranger = story.person("nam", Role::Author, "phu-son").await;
    let bulletin = story.approved(&author, &approver).await;
    let draft = schedule_draft(&bulletin.bulletin.id, once("2026-11-22T21:00"), &["da-don"]);
    let made = story.services.schedules.create(&author, &draft, None).await.unwrap();
    let path = format!("/schedules/{}/preflight", made.schedule.id);
    let (lan, admin) = (web.browser(&author).await, web.browser(&admin).await);

    let told = web.get(&lan, &path).await.ok(200);
    assert_eq!((&told["nodes"], &told["notes"]), (&json!(2), &json!([])));
    assert_eq!(told["households"], json!({ "known": 0, "unknown_villages": 2 }));
    let villages: Vec<&Value> = told["groups"][0]["villages"].as_array().unwrap().iter().collect();
    assert_eq!((&villages[0]["area"], &villages[1]["name"]), (&json!("thon-1"), &json!("Thôn 2")));
    let start = &told["groups"][0]["starts"][0];
    assert_eq!(
        (&start["planned"], &start["outcome"]),
        (&json!("2026-11-22T14:00:00.000Z"), &json!("played"))
    );
    assert_eq!((&start["sound_ms"], &start["sounds"][0]["from"]), (&json!(1_500), &start["planned"]));
    assert_eq!((start.get("reason"), start.get("rule")), (None, None));
    // A start beyond what is asked about is not told.
    assert_eq!(web.get(&lan, &format!("{path}?days=1")).await.ok(200)["groups"][0]["starts"][0], *start);

    let rules = json!({ "quiet_hours": "20:30-05:00" });
    web.call(&admin, "PUT", "/areas/da-don/rules", rules).await.ok(200);
    let refused = web.get(&lan, &path).await.ok(200);
    let start = &refused["groups"][0]["starts"][0];
    assert_eq!((&start["outcome"], &start["reason"]), (&json!("missed"), &json!("quiet_hours")));
    assert_eq!((&start["rule"], &start["forbidden_by"]), (&json!("G3"), &json!(["da-don"])));
    assert!(start["why"]["vi"].as_str().unwrap().contains("giờ yên tĩnh"), "{start}");

    let nam = web.browser(&stranger).await;
    assert_eq!(web.get(&nam, &path).await.problem().0, 403);
    assert_eq!(web.get(&Browser::default(), &path).await.problem().0, 401);
    assert_eq!(web.get(&lan, "/schedules/none/preflight").await.problem().0, 404);
    for days in ["0", "32", "-1", "many", "99999999999"] {
        let refused = web.get(&lan, &format!("{path}?days={days}")).await.problem();
        assert!([400, 422].contains(&refused.0), "{days}: {refused:?}");
    }
}
