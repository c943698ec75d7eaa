#include "testing/simulated_answer.hpp"

#include "testing/simulated_logprobs.hpp"
#include "testing/simulated_request.hpp"
#include "testing/simulated_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

constexpr std::size_t endless = 1'000'000'000;

bool reasons(const json::object& request)
{
    if (const auto* arguments = member(request, "chat_template_kwargs");
        arguments != nullptr && arguments->is_object() &&
        !flag(arguments->get_object(), "enable_thinking", true))
        return false;
    const auto model = text_member(request, "model");
    return model.find("reasoning") != std::string_view::npos ||
           model.find("gpt-oss") != std::string_view::npos || flag(request, "thinking", false);
}

std::vector<const json::object*> offered_functions(const json::object& request)
{
    std::vector<const json::object*> functions;
    const auto* tools = member(request, "tools");
    if (tools == nullptr || !tools->is_array())
        return functions;
    for (const auto& tool : tools->get_array())
    {
        const auto* function = tool.is_object() ? member(tool.get_object(), "function") : nullptr;
        if (function != nullptr && function->is_object())
            functions.push_back(&function->get_object());
    }
    return functions;
}

/// The functions an answer calls: those demanded by tool_choice, else those the text names.
std::vector<const json::object*> called_functions(const json::object& request,
                                                  const conversation& said)
{
    auto functions = offered_functions(request);
    const auto* choice = member(request, "tool_choice");
    const auto mode =
        choice != nullptr && choice->is_string() ? std::string_view(choice->get_string()) : "auto";
    if (mode == "none" || functions.empty() || said.last_role == "tool")
        return {};
    const auto keep = [&](auto predicate) {
        std::vector<const json::object*> kept;
        std::copy_if(functions.begin(), functions.end(), std::back_inserter(kept), predicate);
        return kept;
    };
    if (choice != nullptr && choice->is_object() &&
        member(choice->get_object(), "function") != nullptr)
    {
        const auto& wanted = choice->get_object().at("function");
        const auto name = wanted.is_object() ? text_member(wanted.get_object(), "name") : "";
        return keep([&](const auto* each) { return text_member(*each, "name") == name; });
    }
    const auto text = lower(said.last_text);
    auto named = keep([&](const auto* each) {
        const auto name = lower(text_member(*each, "name"));
        return !name.empty() && text.find(name) != std::string::npos;
    });
    if (!flag(request, "parallel_tool_calls", true) && named.size() > 1)
        named.erase(named.begin() + 1, named.end());
    if (named.empty() && (mode == "required" || text.find("use the tool") != std::string::npos))
        named.push_back(functions.front());
    return named;
}

std::string json_text(const json::object& format, const conversation& said)
{
    const auto* wrapper = member(format, "json_schema");
    const auto* schema = wrapper != nullptr && wrapper->is_object()
                             ? member(wrapper->get_object(), "schema")
                             : nullptr;
    if (schema != nullptr)
        return json::serialize(sample(*schema, said.last_text));
    return json::serialize(json::object{{"you_said", said.last_text}, {"words", said.words}});
}

token_text words_of_answer(const json::object& request, const conversation& said)
{
    const auto model = text_member(request, "model");
    if (model == "sim-endless")
        return token_text::counting_to(endless);
    if (said.last_role == "tool")
        return token_text("The tool said: " + said.last_text);
    if (const auto last = wants_counting(said.last_text))
        return token_text::counting_to(*last);
    if (const auto* format = member(request, "response_format");
        format != nullptr && format->is_object() &&
        text_member(format->get_object(), "type").substr(0, 4) == "json")
        return token_text(json_text(format->get_object(), said));
    std::string text = "You said: \"" + said.last_text + "\" I am ";
    text.append(model).append(", a simulation, and counted ");
    text.append(std::to_string(said.words)).append(" words in ");
    return token_text(text.append(std::to_string(said.messages)).append(" messages."));
}

void apply_stop(const json::object& request, simulated_choice& choice)
{
    const auto* stop = member(request, "stop");
    if (stop == nullptr)
        return;
    const json::array sequences = stop->is_array() ? stop->get_array() : json::array{*stop};
    if (choice.text.size() > 100'000)
        choice.text.cut_to(100'000);  // only so much is searched
    const auto whole = choice.text.joined();
    auto first = whole.size();
    for (const auto& sequence : sequences)
    {
        if (!sequence.is_string() || sequence.get_string().empty())
            continue;
        const auto found = whole.find(std::string_view(sequence.get_string()));
        if (found < first)
        {
            first = found;
            choice.stop_reason = std::string(sequence.get_string());
        }
    }
    if (choice.stop_reason)
        choice.text = token_text(std::string_view(whole).substr(0, first));
}

void apply_limit(const json::object& request, simulated_choice& choice)
{
    const auto limit = number(request, "max_completion_tokens",
                              number(request, "max_tokens", static_cast<std::size_t>(-1)));
    if (choice.reasoning.size() + choice.text.size() <= limit)
        return;
    choice.reasoning.cut_to(limit);  // thinking comes first and eats the limit
    choice.text.cut_to(limit - choice.reasoning.size());
    choice.finish_reason = "length";
    choice.stop_reason.reset();
}

simulated_choice make_choice(const json::object& request, const conversation& said, bool is_chat,
                             std::size_t index)
{
    simulated_choice choice;
    choice.finish_reason = "stop";
    if (is_chat && reasons(request))
        choice.reasoning = token_text("The user sent " + std::to_string(said.words) +
                                      " words. I shall repeat the last ones.");
    const auto functions =
        is_chat ? called_functions(request, said) : std::vector<const json::object*>();
    for (const auto* function : functions)
    {
        const auto name = text_member(*function, "name");
        const auto* schema = member(*function, "parameters");
        const auto serial = index * functions.size() + choice.tool_calls.size();
        choice.tool_calls.push_back(
            {"chatcmpl-tool-" + hex(hash(said.last_text, hash(name) + serial)), std::string(name),
             schema != nullptr ? json::serialize(sample(*schema, said.last_text)) : "{}"});
    }
    if (!choice.tool_calls.empty())
    {
        choice.finish_reason = "tool_calls";
        return choice;
    }
    choice.text = words_of_answer(request, said);
    if (index != 0)
        choice.text =
            token_text("(" + std::to_string(index) + ") " +
                       (choice.text.size() > 100'000 ? std::string() : choice.text.joined()));
    apply_stop(request, choice);
    apply_limit(request, choice);
    return choice;
}

}  // namespace

token_text::token_text(std::string_view text)
{
    while (!text.empty())
    {
        const auto end = std::min(text.find(' ', 1), text.size());
        words_.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

token_text token_text::counting_to(std::size_t last)
{
    token_text text;
    text.numbers_ = last;
    return text;
}

std::size_t token_text::size() const noexcept { return words_.empty() ? numbers_ : words_.size(); }

std::string token_text::token(std::size_t index) const
{
    if (!words_.empty())
        return words_[index];
    return (index == 0 ? "" : " ") + std::to_string(index + 1);
}

std::string token_text::joined() const
{
    std::string text;
    for (std::size_t i = 0; i != size(); ++i)
        text += token(i);
    return text;
}

void token_text::cut_to(std::size_t size)
{
    if (size < words_.size())
        words_.resize(size);
    numbers_ = std::min(numbers_, size);
}

std::size_t simulated_answer::completion_tokens() const noexcept
{
    std::size_t sum = 0;
    for (const auto& choice : choices)
    {
        sum += choice.reasoning.size() + choice.text.size();
        for (const auto& call : choice.tool_calls)
            sum += 1 + token_text(call.arguments).size();
    }
    return sum;
}

simulated_answer answer_to(const json::object& request, bool is_chat)
{
    const auto said = read_conversation(request, is_chat);
    simulated_answer answer;
    answer.is_chat = is_chat;
    answer.id = (is_chat ? "chatcmpl-" : "cmpl-") + hex(hash(json::serialize(request)));
    answer.model = text_member(request, "model");
    answer.prompt_tokens = said.words;
    answer.logprobs = wanted_logprobs(request, is_chat);
    if (const auto* options = member(request, "stream_options");
        options != nullptr && options->is_object())
        answer.include_usage = flag(options->get_object(), "include_usage", false);
    const auto n = std::clamp<std::size_t>(number(request, "n", 1), 1, 128);
    for (std::size_t index = 0; index != n; ++index)
        answer.choices.push_back(make_choice(request, said, is_chat, index));
    return answer;
}

}  // namespace regolo::inline v0::testing
