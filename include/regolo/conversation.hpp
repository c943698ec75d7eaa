#pragma once

#include <regolo/call_options.hpp>
#include <regolo/chat.hpp>
#include <regolo/client.hpp>
#include <regolo/error.hpp>
#include <regolo/message.hpp>
#include <regolo/stream.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::inline v0 {

/// What `conversation::stop` does with the turn that it ends.
enum class on_stop
{
    keep,  ///< question and answer so far stay, marked as interrupted; nothing stays where no text has come
    discard,  ///< the history is as it was before
};

/** Shortens what is sent of a history. It gets the messages as they would go out, and may leave some out; what the
    conversation itself remembers stays whole. */
using history_trimmer = std::function<void(std::vector<chat_message>&)>;

/** A trimmer that keeps to a budget of tokens: it leaves whole turns out, the oldest first. A tool call goes with its
    results, and the system's messages and the last turn always stay, even above the budget.

    @param tokens_of  how many tokens a message takes; empty: an estimate, one for four bytes and 1000 for a picture or video
*/
[[nodiscard]] REGOLO_EXPORT history_trimmer
trim_to_tokens(std::size_t budget, std::function<std::size_t(const chat_message&)> tokens_of = {});

/** A conversation with a model: it keeps what was said, and sends it with each turn.

    @code
    regolo::conversation talk(client, regolo::chat_request("Llama-3.3-70B-Instruct").system("You are a guide."));
    auto answer = co_await talk.say("Tell me something about Rome.");
    auto more = co_await talk.say_stream("And what should I see first?");
    while (auto chunk = co_await more.next())
        std::cout << chunk->text() << std::flush;
    @endcode

    A turn is the question and the answer to it. It is remembered when the answer is complete, streamed or not; after an
    error, a cancellation, or a stream that was dropped, the history is what it was before. Of an answer that calls tools,
    the results are given with `add_tool_result`, and `reply()` goes on.

    @par Executor       as `client`
    @par Thread safety  one turn at a time: a second one fails with `errc::operation_in_progress`. `stop()` from any
                        thread; everything else from one at a time, and not while a turn runs
    @par Errors         of `client::chat` and `client::stream_chat`; `errc::invalid_request` before anything is sent where
                        a turn makes no sense, such as `say()` while tool calls wait for their results
    @par Lifetimes      operations keep what they need alive, so that the conversation may be destroyed meanwhile. It may
                        outlive the client, not the client's execution context
*/
class REGOLO_EXPORT conversation
{
public:
    /** @param with      keeps connections and limits
        @param settings  goes out with each turn: model, tools and so on; its messages are the beginning of the history
        @param options   of each turn; `stop` ends the turn under way with `on_stop::discard` */
    explicit conversation(const client& with, chat_request settings = {},
                          call_options options = {});
    ~conversation();
    conversation(conversation&&) noexcept;
    conversation& operator=(conversation&&) noexcept;

    /// Says something, and returns the answer.
    [[nodiscard]] boost::asio::awaitable<chat_response> say(std::string_view text);
    [[nodiscard]] boost::asio::awaitable<chat_response> say(chat_message message);
    /// Says something, and streams the answer. The turn ends with the stream.
    [[nodiscard]] boost::asio::awaitable<chat_stream> say_stream(std::string_view text);
    [[nodiscard]] boost::asio::awaitable<chat_stream> say_stream(chat_message message);

    /// Asks for an answer to the history as it is: after tool results, or after messages that were added.
    [[nodiscard]] boost::asio::awaitable<chat_response> reply();
    [[nodiscard]] boost::asio::awaitable<chat_stream> reply_stream();

    /// Asks once more for an answer to the last question, without what followed it: the old answer, tool calls and their
    /// results. All of that stays where this fails, and gives way to an interrupted answer that `stop()` keeps.
    [[nodiscard]] boost::asio::awaitable<chat_response> regenerate();
    [[nodiscard]] boost::asio::awaitable<chat_stream> regenerate_stream();

    /// Ends the turn under way, if there is one: its call or its stream fails with `operation_aborted`.
    void stop(on_stop what = on_stop::keep) noexcept;

    /// Forgets the last question and everything after it. @returns false when there is none
    bool undo();

    /** The result of a tool call of the last answer.
        @throws error  `errc::invalid_request` where no call of that id waits for one */
    void add_tool_result(std::string_view tool_call_id, std::string_view text);
    /// Tool calls that wait for their result, by id.
    [[nodiscard]] std::vector<std::string> open_tool_calls() const;

    /// Appends a message as it is.
    void add(chat_message message);
    /// Forgets all but the messages of the system at the beginning.
    void clear();

    /// What was said. The reference is valid until the next change.
    [[nodiscard]] const std::vector<chat_message>& history() const noexcept;
    /// The message at that place was cut short by `stop()`.
    [[nodiscard]] bool is_interrupted(std::size_t position) const noexcept;

    /// What goes out with each turn, but for the messages. For changes between turns.
    [[nodiscard]] chat_request& settings() noexcept;
    [[nodiscard]] call_options& options() noexcept;
    /// Shortens what is sent; see `trim_to_tokens`. Empty: all of it is sent.
    void set_trimmer(history_trimmer trim);

    /// The history as JSON: `{"messages": [...]}`, with `"interrupted": [positions]` where there are any.
    [[nodiscard]] boost::json::value save() const;
    /** Takes a history that `save` has given, a plain list of messages, or what the Python client's
        `Conversation.to_json()` gives (`{"lines": [...]}`), in the place of the present one.
        @throws error  `errc::invalid_request` where it is none; nothing has changed then */
    void load(const boost::json::value& saved);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace regolo::inline v0
