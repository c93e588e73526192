//! Pages of long lists.

#[tokio::test]
async fn every_page_of_every_list_is_bounded() {
    tasker_testkit::long_lists::every_page_is_bounded(tasker_testkit::postgres::open().await).await;
}
