#pragma once

// Every endpoint without a stream, with a client and the simulation.

#include "integration/client_fixture.hpp"
#include "support/golden.hpp"

#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace regolo::test {

namespace json = boost::json;

/// One of the calls, with a request that is good but for its model.
struct endpoint_case
{
    std::string name;
    bool is_public = false;
    std::string model;  // that the simulation knows; empty: the call names none
    std::string body;   // of `data/answers`
    /// The answer, encoded again.
    std::function<asio::awaitable<json::value>(const client&, std::string, call_options)> ask;
};

template <class Answer>
asio::awaitable<json::value> encoded(asio::awaitable<Answer> operation)
{
    const auto answer = co_await std::move(operation);
    co_return to_json(answer);
}

inline const date_range september("2026-09-01", "2026-09-30");

inline const std::vector<endpoint_case>& all_endpoints()
{
    using model_name = const std::string&;
    static const std::vector<endpoint_case> all{
        {"embed", false, "sim-embedding", "embedding_response",
         [](const client& c, model_name model, call_options o) {
             return encoded(c.embed({model, "Rome"}, std::move(o)));
         }},
        {"generate_images", false, "sim-image", "image_response",
         [](const client& c, model_name model, call_options o) {
             return encoded(c.generate_images({model, "Rome"}, std::move(o)));
         }},
        {"rerank", false, "sim-rerank", "rerank_response",
         [](const client& c, model_name model, call_options o) {
             return encoded(c.rerank({model, "Rome", {"a", "b"}}, std::move(o)));
         }},
        {"count_tokens", false, "sim-chat", "token_count",
         [](const client& c, model_name model, call_options o) {
             return encoded(c.count_tokens({model, "Rome"}, std::move(o)));
         }},
        {"supported_parameters", false, "sim-chat", "supported_parameters",
         [](const client& c, model_name model, call_options o) {
             return encoded(c.supported_parameters(model, std::move(o)));
         }},
        {"models", true, "", "model_info",
         [](const client& c, model_name, call_options o) {
             return encoded(c.models(std::move(o)));
         }},
        {"model_info", false, "", "model_info",
         [](const client& c, model_name, call_options o) {
             return encoded(c.model_info(std::move(o)));
         }},
        {"model_groups", true, "", "model_groups",
         [](const client& c, model_name, call_options o) {
             return encoded(c.model_groups(std::move(o)));
         }},
        {"key_info", false, "", "key_info",
         [](const client& c, model_name, call_options o) {
             return encoded(c.key_info(std::move(o)));
         }},
        {"user_info", false, "", "user_info",
         [](const client& c, model_name, call_options o) {
             return encoded(c.user_info(std::move(o)));
         }},
        {"activity", false, "", "activity",
         [](const client& c, model_name, call_options o) {
             return encoded(c.activity(september, std::move(o)));
         }},
        {"spend_logs", false, "", "spend_logs",
         [](const client& c, model_name, call_options o) {
             return encoded(c.spend_logs(september, std::move(o)));
         }},
    };
    return all;
}

class Endpoints : public ::testing::Test
{
protected:
    /// Makes a client, asks once, and gives what came of it.
    template <class Answer>
    result<Answer> try_once(std::function<asio::awaitable<Answer>(const client&)> ask)
    {
        const auto body = [&]() -> asio::awaitable<result<Answer>> {
            const client one(co_await asio::this_coro::executor, config);
            co_return co_await try_await(ask(one));
        };
        return run(body());
    }

    result<json::value> outcome(const endpoint_case& each, const std::string& model,
                                const call_options& options = {})
    {
        return try_once<json::value>(
            [&](const client& one) { return each.ask(one, model, options); });
    }

    error_info failure(const endpoint_case& each, const std::string& model,
                       const call_options& options = {})
    {
        const auto got = outcome(each, model, options);
        EXPECT_FALSE(got) << each.name << " succeeded";
        return got ? error_info() : got.error();
    }

    /// The status of the error that it must end with.
    template <class Answer>
    int status(std::function<asio::awaitable<Answer>(const client&)> ask)
    {
        const auto got = try_once<Answer>(std::move(ask));
        EXPECT_TRUE(got.has_error());
        return got ? 0 : got.error().http_status;
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
};

}  // namespace regolo::test
