// Every noun that is read from JSON and written back: decode, encode, decode gives the same, and nothing is lost.

#include "core/codec.hpp"
#include "core/json_text.hpp"
#include "core/json_writer.hpp"
#include "fuzz.hpp"

#include <regolo/account.hpp>
#include <regolo/json.hpp>
#include <regolo/message.hpp>
#include <regolo/tool.hpp>
#include <regolo/usage.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>

namespace regolo::fuzz {
namespace {

namespace json = boost::json;

/// A member of which the API knows nothing, which has to come out as it went in.
bool is_foreign(std::string_view name) { return name.starts_with("x_"); }

void check_nothing_lost(const json::value& from, const json::value& to)
{
    const auto* object = from.if_object();
    if (object == nullptr || !to.is_object())
        return;
    for (const auto& [name, value] : *object)
    {
        if (!is_foreign(name) || value.is_null())
            continue;
        const auto* kept = to.get_object().if_contains(name);
        check(kept != nullptr && *kept == value, "an unknown member is lost or changed");
    }
}

void check_failure(const error_info& info)
{
    check(info.code.category() == error_category() &&
              to_string(static_cast<errc>(info.code.value())) != "unknown",
          "a failure without a code of ours");
    check(!info.message.empty(), "a failure without a message");
}

/// Numbers of choices address memory of the program.
template <class T>
void check_indices(const T& value, const limits& bounds)
{
    if constexpr (requires { value.choices.front().index; })
        for (const auto& choice : value.choices)
            check(choice.index >= 0 && static_cast<std::uint64_t>(choice.index) < bounds.index,
                  "the index of a choice is above its limit");
}

template <class T>
void check_values(const T& value)
{
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}, ~std::size_t{0}})
    {
        if constexpr (requires { value.text(index); })
            static_cast<void>(value.text(index));
        if constexpr (requires { value.values(index); })
            static_cast<void>(value.values(index));
        if constexpr (requires { value.bytes(index); })
            static_cast<void>(value.bytes(index));
    }
    if constexpr (requires { value.tool_calls(); })
        static_cast<void>(value.tool_calls());
    if constexpr (requires { value.finish_reason(); })
        static_cast<void>(value.finish_reason());
}

template <class T>
void round_trip(const json::value& document)
{
    const auto once = from_json<T>(document);
    if (!once)
        return check_failure(once.error());
    check_values(*once);
    check_indices(*once, limits());
    const auto written = to_json(*once);
    check(core::serialize_request(written).has_value(), "what was read cannot be sent");
    if constexpr (requires { once->extra; })
        check_nothing_lost(document, written);
    const auto twice = from_json<T>(written);
    check(twice.has_value(), "what was written cannot be read");
    check_equal(json::serialize(to_json(*twice)), json::serialize(written),
                "decode, encode, decode gives something else");
}

/// The way of an answer: text, its limits, the API's errors.
template <class T>
void decode_answer(std::string_view text, const limits& bounds)
{
    const auto answer = core::decode<T>(text, bounds);
    if (!answer)
        return check_failure(answer.error());
    check_indices(*answer, bounds);
    check_values(*answer);
}

/// The way of a request: what goes out is JSON, and the same request again.
template <class Request>
void encode_request(const json::value& document)
{
    const auto request = from_json<Request>(document);
    if (!request)
        return;
    const auto body = [&] {
        if constexpr (requires { core::encode(*request, true, "model"); })
            return core::encode(*request, false, "model");
        else
            return core::encode(*request, "model");
    }();
    if (!body)
        return check_failure(body.error());
    json::error_code ec;
    auto parsed = json::parse(*body, ec, {}, [] {
        json::parse_options options;
        options.max_depth = 1000;
        return options;
    }());
    check(!ec && parsed.is_object(), "the body of a request is no JSON object");
    const auto* model = parsed.get_object().if_contains("model");
    check(model != nullptr, "a request without a model goes out");
    auto wanted = to_json(*request);
    if (!wanted.get_object().contains("model"))
        parsed.get_object().erase("model");
    // whether it is one is up to the call, not to the request
    for (const auto* stream : {"stream", "stream_options"})
        wanted.get_object().erase(stream);
    for (const auto& member : wanted.get_object())
        check(parsed.get_object().contains(member.key()), "a member of the request is not sent");
    check_nothing_lost(document, parsed);
}

struct noun
{
    void (*round)(const json::value& document);
    void (*decode)(std::string_view text, const limits& bounds);
    void (*encode)(const json::value& document);
};

template <class T>
constexpr noun value_noun{round_trip<T>, nullptr, nullptr};
template <class T>
constexpr noun answer_noun{round_trip<T>, decode_answer<T>, nullptr};
template <class T>
constexpr noun request_noun{round_trip<T>, nullptr, encode_request<T>};

// The corpus names them by their places: new ones go to the end.
constexpr auto nouns = std::to_array<noun>({
    request_noun<chat_request>,
    answer_noun<chat_response>,
    value_noun<chat_chunk>,
    value_noun<chat_message>,
    request_noun<completion_request>,
    answer_noun<completion_response>,
    value_noun<completion_chunk>,
    value_noun<model>,
    answer_noun<model_list>,
    request_noun<embedding_request>,
    value_noun<embedding>,
    answer_noun<embedding_response>,
    request_noun<image_request>,
    value_noun<image>,
    answer_noun<image_response>,
    request_noun<rerank_request>,
    value_noun<rerank_result>,
    answer_noun<rerank_response>,
    answer_noun<transcript>,
    request_noun<token_count_request>,
    answer_noun<token_count>,
    value_noun<usage>,
    value_noun<tool>,
    value_noun<tool_choice>,
    value_noun<response_format>,
    value_noun<model_details>,
    value_noun<model_deployment>,
    answer_noun<model_info_list>,
    value_noun<model_group>,
    answer_noun<model_group_list>,
    answer_noun<supported_parameters>,
    answer_noun<key_info>,
    answer_noun<user_info>,
    answer_noun<activity>,
    value_noun<spend_log>,
    answer_noun<spend_logs>,
    value_noun<error_info>,
});

void run(std::string_view bytes)
{
    input in(bytes);
    const auto& noun = nouns.at(in.below(nouns.size()));
    const auto bound = in.byte();
    limits bounds;
    bounds.index = bound % 8 + 1;
    const auto text = in.rest();
    if (noun.decode != nullptr)
        noun.decode(text, bounds);
    const auto document = core::json_parser(limits()).parse(text, {});
    if (!document)
        return check_failure(document.error());
    noun.round(*document);
    if (noun.encode != nullptr)
        noun.encode(*document);
}

const target registered("codecs", run);

}  // namespace
}  // namespace regolo::fuzz
