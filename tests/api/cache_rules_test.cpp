#include "api/gateway/cache_rules.hpp"

#include "api/gateway/merge_rules.hpp"
#include "api/http/handler.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

using field_list = std::vector<std::pair<std::string_view, std::string_view>>;

caf::expected<cache_wish> wish(const field_list& fields) {
  http_request request;
  request.fields = fields;
  return cache_wish_of(request);
}

TEST(cache_rules_test, who_says_nothing_takes_and_gives) {
  auto x = wish({{"Content-Type", "application/json"}, {"Authorization", "Bearer x"}});
  ASSERT_TRUE(x);
  EXPECT_TRUE(x->read);
  EXPECT_TRUE(x->write);
  EXPECT_FALSE(x->only);
  EXPECT_EQ(x->age_max, -1s);
  EXPECT_EQ(x->ttl, 0s);
}

TEST(cache_rules_test, reads_cache_control_as_http_defines_it) {
  auto x = wish({{"cache-control", " No-Cache , max-age=\"60\""}});
  EXPECT_FALSE(x->read);
  EXPECT_TRUE(x->write) << "a fresh answer is as good for others";
  EXPECT_EQ(x->age_max, 60s);
  x = wish({{"Cache-Control", "no-store"}});
  EXPECT_TRUE(x->read);
  EXPECT_FALSE(x->write);
  x = wish({{"Cache-Control", "only-if-cached"}, {"CACHE-CONTROL", "max-age=0"}});
  EXPECT_TRUE(x->only);
  EXPECT_EQ(x->age_max, 0s) << "the field may come twice";
}

TEST(cache_rules_test, ignores_directives_that_make_no_sense) {
  for (auto* text : {"max-age", "max-age=", "max-age=-1", "max-age=soon", "max-age=1.5",
                     "no-transform", ",,", "", "no-cachet", "max-age=99999999999999999999"}) {
    SCOPED_TRACE(text);
    auto x = wish({{"Cache-Control", text}});
    ASSERT_TRUE(x);
    EXPECT_TRUE(x->read);
    EXPECT_EQ(x->age_max, -1s);
  }
}

TEST(cache_rules_test, our_own_fields_are_checked) {
  auto x = wish({{"X-Sluice-Cache", "OFF"}});
  ASSERT_TRUE(x);
  EXPECT_FALSE(x->read);
  EXPECT_FALSE(x->write);
  EXPECT_EQ(wish({{"x-sluice-cache-ttl", "90"}})->ttl, 90s);
  for (auto& bad : field_list{{"x-sluice-cache", "on"},
                              {"x-sluice-cache", ""},
                              {"x-sluice-cache-ttl", "0"},
                              {"x-sluice-cache-ttl", "-5"},
                              {"x-sluice-cache-ttl", "1h"}}) {
    auto refused = wish({bad});
    ASSERT_FALSE(refused) << bad.second;
    EXPECT_EQ(code_of(refused.error()), ec::invalid_value);
    EXPECT_EQ(param_of(refused.error()), bad.first);
  }
}

TEST(cache_rules_test, the_first_policy_that_fits_counts) {
  cache_settings settings;
  settings.stale_while_revalidate = 5s;
  auto plain = cache_terms_of(settings, "acme", "chat");
  EXPECT_TRUE(plain.enabled);
  EXPECT_EQ(plain.ttl, 0s) << "the cache's own";
  EXPECT_EQ(plain.stale_while_revalidate, 5s);
  EXPECT_FALSE(plain.similar);
  EXPECT_LT(plain.error_rate_max, 0);
  EXPECT_FALSE(answers_by_meaning(settings));
  cache_policy acme_chat;
  acme_chat.tenant = "acme";
  acme_chat.model = "chat";
  acme_chat.ttl = 60s;
  acme_chat.similar = true;
  acme_chat.error_rate_max = 0;
  cache_policy chat;
  chat.model = "chat";
  chat.enabled = false;
  cache_policy everything;
  everything.stale_while_revalidate = 0s;
  everything.any_conversation = true;
  settings.policies = {acme_chat, chat, everything};
  EXPECT_TRUE(answers_by_meaning(settings));
  auto x = cache_terms_of(settings, "acme", "chat");
  EXPECT_TRUE(x.enabled);
  EXPECT_EQ(x.ttl, 60s);
  EXPECT_TRUE(x.similar);
  EXPECT_EQ(x.error_rate_max, 0) << "none may be wrong";
  EXPECT_EQ(x.stale_while_revalidate, 5s) << "what it does not say is as for all";
  EXPECT_FALSE(cache_terms_of(settings, "other", "chat").enabled);
  x = cache_terms_of(settings, "acme", "embed");
  EXPECT_EQ(x.stale_while_revalidate, 0s);
  EXPECT_TRUE(x.any_conversation);
}

TEST(cache_rules_test, the_way_of_asking_is_part_of_the_key) {
  fingerprint exact{3, 4};
  auto whole = cache_key_of(exact, reply_mode::whole, false);
  auto stream = cache_key_of(exact, reply_mode::stream, false);
  auto with_usage = cache_key_of(exact, reply_mode::stream, true);
  EXPECT_NE(whole, stream);
  EXPECT_NE(stream, with_usage);
  EXPECT_NE(whole, with_usage);
  EXPECT_FALSE(cache_key_of({}, reply_mode::stream, true)) << "what shares nothing has no key";
}

TEST(cache_rules_test, keeps_no_answer_that_calls_tools) {
  EXPECT_TRUE(may_keep(R"({"content":"hello"})", {}));
  EXPECT_TRUE(may_keep(R"({"content":"say \"tool_calls\": [1]"})", {})) << "it is text";
  EXPECT_TRUE(may_keep(R"({"tool_calls":[],"function_call": null})", {})) << "some always say so";
  EXPECT_TRUE(may_keep(R"({"tool_calls" : [ ] })", {}));
  EXPECT_FALSE(may_keep(R"({"tool_calls":[{"id":"x"}]})", {}));
  EXPECT_FALSE(may_keep(R"({"tool_calls":[],"b":{"tool_calls" : [ {"id":"x"}]}})", {}));
  EXPECT_FALSE(may_keep(R"({"finish_reason":"tool_calls"})", {}));
  EXPECT_FALSE(may_keep(R"({"function_call":{"name":"f"}})", {}));
  EXPECT_FALSE(may_keep(R"({"tool_calls":)", {})) << "it cannot be told";
}

TEST(cache_rules_test, keeps_what_its_asker_paid_for_alone) {
  call_share share;
  share.joined = true;
  EXPECT_FALSE(may_keep("{}", share));
  share = {};
  share.packed = 3;
  EXPECT_FALSE(may_keep("{}", share));
}

TEST(merge_rules_test, who_says_so_gets_an_answer_of_its_own) {
  auto own = [](const field_list& fields) {
    http_request request;
    request.fields = fields;
    return wants_own_answer(request);
  };
  EXPECT_FALSE(own({}));
  EXPECT_FALSE(own({{"X-Stainless-OS", "off"}, {"Authorization", "no-store"}}));
  EXPECT_TRUE(own({{"X-Sluice-Merge", " OFF "}}));
  EXPECT_FALSE(own({{"X-Sluice-Merge", "on"}}));
  EXPECT_TRUE(own({{"Cache-Control", "max-age=3, No-Store"}}));
  EXPECT_FALSE(own({{"Cache-Control", "no-cache"}}));
}

} // namespace
} // namespace sluice
