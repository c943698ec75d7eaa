#pragma once

#include <regolo/export.hpp>

namespace regolo::inline v0 {

/** Signs that an answer only looks whole. Also the choice of those that are to be errors: see
    `client_config::fail_on`.

    The status was 200 and a finish reason came, so nothing else tells: a gateway that loses the model in the middle may
    make up a "stop" and an end mark for what had arrived, even for nothing; a model may spend the whole token limit
    on its reasoning; a gateway may fall back to another model. The official Python client hands all of these out as
    good answers.

    An aggregate, so that `{.empty = true}` works.
*/
struct answer_doubts
{
    /// A choice says nothing (no content, reasoning, refusal or tool call) though it ends as a whole answer does, with
    /// "stop", "tool_calls" or no reason; or there is no choice. As an error: `errc::empty_answer`.
    bool empty = false;
    /// A choice was ended by the token limit ("length") before any content or tool call: the reasoning, shown or
    /// not, has used it up. Not told of text completions. As an error: `errc::out_of_tokens`.
    bool out_of_tokens = false;
    /// The model that answered is not the one asked for. Case, a provider's prefix ("openai/") and a dated version of the
    /// model ("-2024-08-06") make no difference. As an error: `errc::other_model`.
    bool other_model = false;

    /// There is any.
    [[nodiscard]] explicit operator bool() const noexcept
    {
        return empty || out_of_tokens || other_model;
    }

    friend bool operator==(const answer_doubts&, const answer_doubts&) = default;
};

}  // namespace regolo::inline v0
