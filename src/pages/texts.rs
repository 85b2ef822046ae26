//! What pages say by themselves, in both languages.

use super::language::Language;

macro_rules! texts {
    ($($name:ident: $english:literal, $korean:literal;)+) => {
        impl Language {
            $(
                #[doc = $english]
                pub fn $name(self) -> &'static str {
                    self.choose($english, $korean)
                }
            )+
        }
    };
}

texts! {
    home: "Home", "처음";
    skip: "Skip to the content", "본문으로 바로가기";
    main_navigation: "Main", "주 메뉴";
    language: "Language", "언어";
    sign_in: "Sign in", "로그인";
    sign_out: "Sign out", "로그아웃";
    who_am_i: "Who am I?", "나는 누구인가요?";
    change: "Change", "바꾸기";
    my_page: "My page", "마이페이지";
    my_page_empty: "Nothing yet", "아직 아무것도 없습니다";
    my_page_empty_detail: "What you order appears here, and changes by itself.", "주문하면 여기에 나타나고, 상태가 바뀌면 저절로 갱신됩니다.";
    all_orders: "All orders", "전체 주문";
    waiting: "Waiting for staff", "처리할 일";
    waiting_empty: "Nothing waits for you", "처리할 일이 없습니다";
    waiting_empty_detail: "What needs a decision appears here.", "승인이나 거절이 필요한 것이 여기에 나타납니다.";
    console: "Console", "콘솔";
    filter: "Filter", "필터";
    everything: "All", "전체";
    list_empty: "Nothing here", "항목이 없습니다";
    list_empty_detail: "Nothing fits, or nothing has been registered yet.", "조건에 맞는 것이 없거나 아직 등록되지 않았습니다.";
    register: "Register", "등록";
    order: "Order", "신청";
    nothing_free: "Nothing is free now", "지금은 남은 것이 없습니다";
    order_now: "Order now", "신청하기";
    previous: "Previous", "이전";
    next: "Next", "다음";
    pages: "Pages", "쪽";
    choose_business: "What would you like to do?", "무엇을 하시겠어요?";
    save: "Save", "저장";
    cancel_form: "Back", "돌아가기";
    optional: "optional", "(선택)";
    yes: "Yes", "예";
    no: "No", "아니요";
    customer: "Customer", "고객";
    staff: "Staff", "직원";
    admin: "Administrator", "관리자";
    operator: "Operator", "운영자";
    not_signed_in: "Not signed in", "로그인하지 않음";
    developer: "Developer", "개발자";
    not_found: "There is nothing here", "여기에는 아무것도 없습니다";
    not_found_detail: "The address is wrong, or what was here is not for you.", "주소가 잘못되었거나 볼 수 없는 항목입니다.";
    please_sign_in: "Please sign in", "로그인해 주세요";
    please_sign_in_detail: "This is for people who have signed in.", "로그인한 사람만 볼 수 있습니다.";
    wrong_role: "This is not for you", "권한이 없습니다";
    went_wrong: "That did not work", "처리하지 못했습니다";
    back_home: "Back to the beginning", "처음으로";
    try_again: "Try again", "다시 시도";
    changed_meanwhile: "It has changed meanwhile. Look at how it is now, then decide again.", "그 사이에 내용이 바뀌었습니다. 지금 상태를 확인하고 다시 선택해 주세요.";
    check_fields: "Please check what you entered.", "입력한 내용을 확인해 주세요.";
    receipt: "Receipt", "영수증";
    print_hint: "Print this page with your browser.", "브라우저의 인쇄 기능으로 인쇄하세요.";
    actions: "What you can do", "할 수 있는 일";
    story: "What has happened", "진행 내용";
    details: "Details", "내용";
    being_settled: "This is being settled and changes by itself.", "처리 중입니다. 완료되면 저절로 바뀝니다.";
    on_behalf_of: "For which customer?", "어느 고객을 위한 것인가요?";
    who_hint: "Development only: choose whom to act as. Nothing is verified.", "개발 모드 전용입니다. 누구로 행동할지 고르세요. 확인 절차는 없습니다.";
    customer_number: "Customer number or name", "고객 번호 또는 이름";
    grade: "Grade", "등급";
    act_as_customer: "Go on as this customer", "이 고객으로 계속";
    as_developer: "Developer: everything", "개발자: 모든 권한";
    other_roles: "Someone else", "그 밖의 역할";
    footer: "Runs on Holdfast", "Holdfast로 운영됩니다";
    new_order: "New order", "새 주문";
    mine_all_note: "You see the orders of all customers.", "모든 고객의 주문을 보고 있습니다.";
    saga_story: "Whole story", "전체 이력";
}

impl Language {
    /// What is said after something was done, by the name that its page is given.
    pub fn notice(self, done: &str) -> Option<&'static str> {
        match done {
            "ordered" => Some(self.choose("Your order is in.", "신청되었습니다.")),
            "pending" => Some(self.choose(
                "Your order is recorded and being settled.",
                "신청이 접수되어 처리 중입니다.",
            )),
            "failed" => Some(self.choose(
                "It did not work out: see why below.",
                "처리되지 않았습니다. 아래의 사유를 확인해 주세요.",
            )),
            "registered" => Some(self.choose("Registered.", "등록되었습니다.")),
            "saved" => Some(self.choose("Saved.", "저장되었습니다.")),
            "done" => Some(self.choose("Done.", "처리되었습니다.")),
            _ => None,
        }
    }

    /// How many there are.
    pub fn count(self, total: u64, at_least: bool) -> String {
        let plus = if at_least { "+" } else { "" };
        let number = super::values::group_digits(&total.to_string());
        self.choose(format!("{number}{plus} in all"), format!("모두 {number}{plus}건"))
    }

    /// That a field is wrong and must be put right.
    pub fn page_of(self, number: u64, total: u64) -> String {
        self.choose(format!("Page {number} of {total}"), format!("{total}쪽 중 {number}쪽"))
    }
}
