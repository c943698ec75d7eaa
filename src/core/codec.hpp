#pragma once

#include <regolo/account.hpp>
#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/embedding.hpp>
#include <regolo/error.hpp>
#include <regolo/image.hpp>
#include <regolo/model.hpp>
#include <regolo/model_info.hpp>
#include <regolo/options.hpp>
#include <regolo/rerank.hpp>
#include <regolo/speech.hpp>
#include <regolo/token_count.hpp>
#include <regolo/transcript.hpp>

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace regolo::core {

/// The body of a request. Fails with `errc::invalid_request` (the text names the member) for numbers that are not
/// finite, text that is not UTF-8, or no model. `default_model` is used where the request names none.
result<std::string> encode(const chat_request& request, bool stream,
                           std::string_view default_model);
result<std::string> encode(const completion_request& request, bool stream,
                           std::string_view default_model);
/// The same for requests that have no streaming form.
template <class Request>
result<std::string> encode(const Request& request, std::string_view default_model);

/// Reads a whole answer. Tolerates what servers really send; fails with `errc::bad_response` otherwise, and with the API's
/// error where a success carries an error object.
template <class T>
result<T> decode(std::string_view body, const limits& bounds);

extern template result<chat_response> decode(std::string_view, const limits&);
extern template result<completion_response> decode(std::string_view, const limits&);
extern template result<model_list> decode(std::string_view, const limits&);
extern template result<embedding_response> decode(std::string_view, const limits&);
extern template result<transcript> decode(std::string_view, const limits&);
extern template result<image_response> decode(std::string_view, const limits&);
extern template result<rerank_response> decode(std::string_view, const limits&);
extern template result<key_info> decode(std::string_view, const limits&);
extern template result<user_info> decode(std::string_view, const limits&);
extern template result<activity> decode(std::string_view, const limits&);
extern template result<spend_logs> decode(std::string_view, const limits&);
extern template result<model_info_list> decode(std::string_view, const limits&);
extern template result<model_group_list> decode(std::string_view, const limits&);
extern template result<supported_parameters> decode(std::string_view, const limits&);
extern template result<token_count> decode(std::string_view, const limits&);

extern template result<std::string> encode(const embedding_request&, std::string_view);
extern template result<std::string> encode(const image_request&, std::string_view);
extern template result<std::string> encode(const rerank_request&, std::string_view);
extern template result<std::string> encode(const speech_request&, std::string_view);
extern template result<std::string> encode(const token_count_request&, std::string_view);

}  // namespace regolo::core
