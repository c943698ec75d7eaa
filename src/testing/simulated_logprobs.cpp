#include "testing/simulated_logprobs.hpp"

#include "testing/simulated_request.hpp"

#include <boost/json/array.hpp>

#include <string>
#include <utility>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

// Powers of two survive their way through text.
double logprob_of(std::size_t index, std::size_t alternative)
{
    return -0.25 * double(index % 4 + 1) - double(alternative);
}

std::string alternative_to(const std::string& token, std::size_t number)
{
    return number == 0 ? token : token + '~' + std::to_string(number);
}

json::object chat_token(const std::string& token, double logprob)
{
    json::array bytes;
    for (const char c : token)
        bytes.emplace_back(static_cast<unsigned char>(c));
    return {{"token", token}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

json::value chat_logprobs(const token_text& text, std::size_t first, std::size_t last,
                          std::size_t alternatives)
{
    json::array tokens;
    for (auto i = first; i != last; ++i)
    {
        json::array top;
        for (std::size_t other = 0; other != alternatives; ++other)
            top.push_back(chat_token(alternative_to(text.token(i), other), logprob_of(i, other)));
        auto token = chat_token(text.token(i), logprob_of(i, 0));
        token["top_logprobs"] = std::move(top);
        tokens.push_back(std::move(token));
    }
    return json::object{{"content", std::move(tokens)}, {"refusal", nullptr}};
}

json::value completion_logprobs(const token_text& text, std::size_t first, std::size_t last,
                                std::size_t alternatives)
{
    json::array tokens;
    json::array logprobs;
    json::array tops;
    json::array offsets;
    std::size_t offset = 0;
    for (std::size_t i = 0; i != first; ++i)
        offset += text.token(i).size();
    for (auto i = first; i != last; ++i)
    {
        json::object top;
        for (std::size_t other = 0; other != alternatives; ++other)
            top[alternative_to(text.token(i), other)] = logprob_of(i, other);
        tokens.emplace_back(text.token(i));
        logprobs.emplace_back(logprob_of(i, 0));
        tops.emplace_back(std::move(top));
        offsets.emplace_back(offset);
        offset += text.token(i).size();
    }
    return json::object{{"tokens", std::move(tokens)},
                        {"token_logprobs", std::move(logprobs)},
                        {"top_logprobs", std::move(tops)},
                        {"text_offset", std::move(offsets)}};
}

}  // namespace

std::optional<std::size_t> wanted_logprobs(const json::object& request, bool is_chat)
{
    if (!is_chat)
    {
        const auto* wanted = member(request, "logprobs");
        return wanted != nullptr && wanted->is_number()
                   ? std::optional(number(request, "logprobs", 0))
                   : std::nullopt;
    }
    return flag(request, "logprobs", false) ? std::optional(number(request, "top_logprobs", 0))
                                            : std::nullopt;
}

json::value logprobs_of(const simulated_answer& answer, const token_text& text, std::size_t first,
                        std::size_t last)
{
    if (!answer.logprobs)
        return nullptr;
    return answer.is_chat ? chat_logprobs(text, first, last, *answer.logprobs)
                          : completion_logprobs(text, first, last, *answer.logprobs);
}

}  // namespace regolo::inline v0::testing
