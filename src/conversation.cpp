#include "client_state.hpp"
#include "core/history.hpp"
#include "operations.hpp"
#include "refuse.hpp"
#include "turn.hpp"

#include <regolo/conversation.hpp>

#include <boost/asio/error.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace regolo::inline v0 {

namespace asio = boost::asio;
namespace json = boost::json;

history_trimmer trim_to_tokens(std::size_t budget,
                               std::function<std::size_t(const chat_message&)> tokens_of)
{
    if (!tokens_of)
        tokens_of = core::estimate_tokens;
    return [budget, tokens_of = std::move(tokens_of)](std::vector<chat_message>& messages) {
        core::trim(messages, budget, tokens_of);
    };
}

namespace {

using detail::refuse;

bool is_whole_json(const std::string& text)
{
    boost::system::error_code failed;
    json::parse(text, failed);
    return !failed;
}

/// An answer that ended for another reason than its tool calls may have ended in the middle of one, which nobody can
/// answer then.
void drop_unfinished_calls(chat_message& message, std::string_view finish_reason)
{
    if (finish_reason == "tool_calls" || finish_reason == "function_call")
        return;
    const auto is_unfinished = [&](const std::string& arguments) {
        return arguments.empty() ? finish_reason == "length" : !is_whole_json(arguments);
    };
    std::erase_if(message.tool_calls, [&](const tool_call& call) {
        return call.type == "function" && is_unfinished(call.arguments);
    });
    if (message.function_call && is_unfinished(message.function_call->arguments))
        message.function_call.reset();
}

/// What a server sent in place of a member, in a type that is not its own or a second time, must not go back to it.
void forget_odd_members(chat_message& message)
{
    for (const auto* name :
         {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal",
          "annotations", "reasoning", "reasoning_content"})
        message.extra.erase(name);
}

bool says_something(const chat_message& message)
{
    return !message.text().empty() || !message.parts.empty();
}

}  // namespace

struct conversation::state
{
    class open_turn;
    /// What a turn asks, given what was said before. @throws error  where that makes no sense
    using question = std::function<core::history(const state&)>;

    state(std::shared_ptr<detail::client_state> with, chat_request wanted, call_options how)
        : client(std::move(with)),
          settings(std::move(wanted)),
          options(std::move(how)),
          messages(std::exchange(settings.messages, {}))
    {}

    static question saying(chat_message message);
    static core::history as_it_is(const state& self);
    static core::history without_last_answer(const state& self);

    static std::shared_ptr<open_turn> begin(const std::shared_ptr<state>& self,
                                            const question& asks);
    static asio::awaitable<chat_response> ask(std::shared_ptr<state> self, question asks);
    static asio::awaitable<chat_stream> ask_stream(std::shared_ptr<state> self, question asks);

    void check_answerable(const core::history& asked) const;
    [[nodiscard]] chat_request request_for(const core::history& asked) const;
    void forget_marks_from(std::size_t position)
    {
        interrupted.erase(std::remove_if(interrupted.begin(), interrupted.end(),
                                         [position](std::size_t at) { return at >= position; }),
                          interrupted.end());
    }

    const std::shared_ptr<detail::client_state> client;
    chat_request settings;
    call_options options;
    history_trimmer trim;
    core::history messages;
    std::vector<std::size_t> interrupted;  // positions
    std::atomic<bool> busy{false};         // a turn is under way

    std::mutex mutex;
    std::weak_ptr<open_turn> running;  // for `stop`
};

/// A turn from the question to the end of the answer. The history changes at its end or not at all.
class conversation::state::open_turn
{
public:
    explicit open_turn(std::shared_ptr<state> owner)
        : owner_(std::move(owner)),
          mine_(owner_->busy, phase::prepare,
                "another turn of this conversation is under way; it has one at a time")
    {
        if (owner_->options.stop.stop_possible())
            outer_stop_.emplace(owner_->options.stop, [this] { source_.request_stop(); });
    }

    void ask(core::history asked)
    {
        owner_->check_answerable(asked);
        asked_ = std::move(asked);
    }

    [[nodiscard]] chat_request request() const { return owner_->request_for(asked_); }
    [[nodiscard]] call_options options() const
    {
        auto how = owner_->options;
        how.stop = source_.get_token();
        return how;
    }

    void stop(on_stop what) noexcept
    {
        keeps_ = what == on_stop::keep;
        source_.request_stop();
    }

    /// The answer is complete.
    void commit(chat_message answer, std::string_view finish_reason)
    {
        drop_unfinished_calls(answer, finish_reason);
        remember(std::move(answer));
    }

    /// The answer ended early, and that is what had come of it.
    void abandon(chat_message partial)
    {
        partial.tool_calls.clear();
        partial.function_call.reset();
        if (!keeps_ || !says_something(partial))
            return;
        remember(std::move(partial));
        owner_->interrupted.push_back(owner_->messages.size() - 1);
    }

private:
    void remember(chat_message answer)
    {
        forget_odd_members(answer);
        if (answer.role.empty())
            answer.role = "assistant";
        // null stands for tool calls, and servers refuse it where there are none
        if (!answer.content && answer.parts.empty() && answer.tool_calls.empty() &&
            !answer.function_call)
            answer.content.emplace();
        owner_->forget_marks_from(asked_.size());
        asked_.push_back(std::move(answer));
        owner_->messages = std::move(asked_);
    }

    std::shared_ptr<state> owner_;
    detail::turn mine_;
    core::history asked_;
    std::atomic<bool> keeps_{false};
    std::stop_source source_;
    std::optional<std::stop_callback<std::function<void()>>> outer_stop_;
};

chat_request conversation::state::request_for(const core::history& asked) const
{
    auto request = settings;
    request.messages = asked;
    if (trim)
        trim(request.messages);
    return request;
}

void conversation::state::check_answerable(const core::history& asked) const
{
    const auto open = core::open_tool_calls(asked);
    if (!open.empty())
    {
        refuse("the tool call " + open.front() +
               " has no result yet: give it with add_tool_result(), then reply()");
    }
    if (asked.empty() || asked.back().role == "assistant")
        refuse("there is nothing to answer: say() something first");
}

// ---- what a turn asks

auto conversation::state::saying(chat_message message) -> question
{
    return [message = std::move(message)](const state& self) {
        auto asked = self.messages;
        const auto open = core::open_tool_calls(asked);
        if (!open.empty())
        {
            refuse("the tool call " + open.front() +
                   " has no result yet: give it with add_tool_result(), then reply(); or undo()");
        }
        asked.push_back(message);
        return asked;
    };
}

core::history conversation::state::as_it_is(const state& self) { return self.messages; }

core::history conversation::state::without_last_answer(const state& self)
{
    auto asked = self.messages;
    const auto begin = core::begin_of_last_turn(asked);
    if (begin == asked.size())
        refuse("there is no question to answer once more");
    asked.resize(begin + 1);
    return asked;
}

// ---- a turn under way

auto conversation::state::begin(const std::shared_ptr<state>& self, const question& asks)
    -> std::shared_ptr<open_turn>
{
    // The turn first: while another one is under way, nobody may look at the history.
    auto made = std::make_shared<open_turn>(self);
    made->ask(asks(*self));
    const std::lock_guard lock(self->mutex);
    self->running = made;
    return made;
}

asio::awaitable<chat_response> conversation::state::ask(std::shared_ptr<state> self, question asks)
{
    const auto turn = begin(self, asks);
    std::exception_ptr failure;
    try
    {
        auto answer =
            co_await detail::ask<chat_response>(self->client, turn->request(), turn->options());
        turn->commit(answer.message(), answer.finish_reason());
        co_return answer;
    }
    catch (const error& failed)
    {
        turn->abandon(chat_message::assistant(failed.info().partial_text));
        failure = std::current_exception();
    }
    std::rethrow_exception(failure);
}

asio::awaitable<chat_stream> conversation::state::ask_stream(std::shared_ptr<state> self,
                                                             question asks)
{
    const auto turn = begin(self, asks);
    auto plan = detail::plan_of(*self->client, turn->request(), true);
    auto stream =
        co_await detail::open_stream<chat_stream>(self->client, std::move(plan), turn->options());
    auto& inside = *detail::stream_access::state_of(stream);
    inside.on_end = [ended = std::shared_ptr<open_turn>(turn), &inside] {
        const auto answer = inside.partial.answer.response();
        if (inside.ended == stream_end::done || inside.ended == stream_end::finished)
            ended->commit(answer.message(), answer.finish_reason());
        else
            ended->abandon(answer.message());
    };
    co_return stream;
}

// ---- the handle

conversation::conversation(const client& with, chat_request settings, call_options options)
    : state_(std::make_shared<state>(detail::client_access::state(with), std::move(settings),
                                     std::move(options)))
{}

conversation::~conversation() = default;
conversation::conversation(conversation&&) noexcept = default;
conversation& conversation::operator=(conversation&&) noexcept = default;

asio::awaitable<chat_response> conversation::say(std::string_view text)
{
    return say(chat_message::user(text));
}

asio::awaitable<chat_response> conversation::say(chat_message message)
{
    return state::ask(state_, state::saying(std::move(message)));
}

asio::awaitable<chat_stream> conversation::say_stream(std::string_view text)
{
    return say_stream(chat_message::user(text));
}

asio::awaitable<chat_stream> conversation::say_stream(chat_message message)
{
    return state::ask_stream(state_, state::saying(std::move(message)));
}

asio::awaitable<chat_response> conversation::reply() { return state::ask(state_, state::as_it_is); }

asio::awaitable<chat_stream> conversation::reply_stream()
{
    return state::ask_stream(state_, state::as_it_is);
}

asio::awaitable<chat_response> conversation::regenerate()
{
    return state::ask(state_, state::without_last_answer);
}

asio::awaitable<chat_stream> conversation::regenerate_stream()
{
    return state::ask_stream(state_, state::without_last_answer);
}

void conversation::stop(on_stop what) noexcept
{
    std::shared_ptr<state::open_turn> turn;
    {
        const std::lock_guard lock(state_->mutex);
        turn = state_->running.lock();
    }
    if (turn)
        turn->stop(what);
}

bool conversation::undo()
{
    auto& messages = state_->messages;
    const auto begin = core::begin_of_last_turn(messages);
    if (begin == messages.size())
        return false;
    messages.resize(begin);
    state_->forget_marks_from(begin);
    return true;
}

void conversation::add_tool_result(std::string_view tool_call_id, std::string_view text)
{
    const auto open = open_tool_calls();
    if (std::find(open.begin(), open.end(), tool_call_id) == open.end())
        refuse("no tool call " + std::string(tool_call_id) + " waits for a result");
    state_->messages.push_back(chat_message::tool_result(tool_call_id, text));
}

std::vector<std::string> conversation::open_tool_calls() const
{
    return core::open_tool_calls(state_->messages);
}

void conversation::add(chat_message message) { state_->messages.push_back(std::move(message)); }

void conversation::clear()
{
    auto& messages = state_->messages;
    const auto first = std::find_if_not(messages.begin(), messages.end(), core::is_instruction);
    state_->forget_marks_from(static_cast<std::size_t>(first - messages.begin()));
    messages.erase(first, messages.end());
}

const std::vector<chat_message>& conversation::history() const noexcept { return state_->messages; }

bool conversation::is_interrupted(std::size_t position) const noexcept
{
    const auto& marks = state_->interrupted;
    return std::find(marks.begin(), marks.end(), position) != marks.end();
}

chat_request& conversation::settings() noexcept { return state_->settings; }

call_options& conversation::options() noexcept { return state_->options; }

void conversation::set_trimmer(history_trimmer trim) { state_->trim = std::move(trim); }

json::value conversation::save() const
{
    json::array messages;
    for (const auto& message : state_->messages)
        messages.push_back(to_json(message));
    json::object saved{{"messages", std::move(messages)}};
    if (!state_->interrupted.empty())
        saved["interrupted"] = json::value_from(state_->interrupted);
    return saved;
}

void conversation::load(const json::value& saved)
{
    const auto* object = saved.if_object();
    const auto* list = &saved;
    if (object != nullptr)
        list = object->if_contains(object->contains("lines") ? "lines" : "messages");
    if (list == nullptr || !list->is_array())
        refuse("the saved conversation has no list of messages");
    core::history messages;
    for (const auto& each : list->get_array())
    {
        const auto place =
            "message " + std::to_string(messages.size()) + " of the saved conversation ";
        if (!each.is_object())
            refuse(place + "is not an object");
        auto message = from_json<chat_message>(each);
        if (!message)
            refuse(place + "cannot be read: " + message.error().message);
        if (message->role.empty())
            refuse(place + "has no role");
        messages.push_back(std::move(*message));
    }
    std::vector<std::size_t> marks;
    if (const auto* stored = object != nullptr ? object->if_contains("interrupted") : nullptr)
    {
        const auto read = json::try_value_to<std::vector<std::size_t>>(*stored);
        if (!read || std::any_of(read->begin(), read->end(),
                                 [&](std::size_t at) { return at >= messages.size(); }))
            refuse("\"interrupted\" of the saved conversation is no list of its positions");
        marks = *read;
    }
    state_->messages = std::move(messages);
    state_->interrupted = std::move(marks);
}

}  // namespace regolo::inline v0
