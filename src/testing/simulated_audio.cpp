#include "testing/simulated_audio.hpp"

#include "testing/simulated_endpoint.hpp"
#include "testing/simulated_request.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace json = boost::json;

namespace regolo::inline v0::testing {

namespace {

/// The value of `name="..."` in the head of a part.
std::string_view parameter(std::string_view head, std::string_view name)
{
    const std::string mark = ' ' + std::string(name) + "=\"";
    auto at = head.find(mark);
    if (at == head.npos)
        return {};
    head.remove_prefix(at + mark.size());
    return head.substr(0, head.find('"'));
}

void add_part(json::object& form, std::string_view head, std::string_view content)
{
    const auto name = parameter(head, "name");
    if (head.find("filename=\"") != head.npos)
    {
        form[name] = {{"filename", parameter(head, "filename")}, {"size", content.size()}};
        return;
    }
    if (!name.ends_with("[]"))
    {
        form[name] = content;
        return;
    }
    auto& list = form[name];
    if (!list.is_array())
        list.emplace_array();
    list.get_array().emplace_back(content);
}

struct word_place
{
    std::string text;
    double start;
    double end;
};

/// Half a second for each word.
std::vector<word_place> timed_words(std::string_view text)
{
    std::vector<word_place> words;
    while (!text.empty())
    {
        const auto word = text.substr(0, text.find(' '));
        const double start = 0.5 * static_cast<double>(words.size());
        words.push_back({std::string(word), start, start + 0.5});
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return words;
}

std::string time_stamp(double seconds, char point)
{
    const auto milliseconds = static_cast<int>(seconds * 1000);
    std::string digits = std::to_string(milliseconds % 1000);
    digits.insert(0, 3 - digits.size(), '0');
    std::string whole = std::to_string(milliseconds / 1000 % 60);
    whole.insert(0, 2 - whole.size(), '0');
    return "00:00:" + whole + point + digits;
}

json::object verbose(const json::object& form, std::string_view text)
{
    const auto words = timed_words(text);
    const double length = words.empty() ? 0 : words.back().end;
    json::object answer{{"task", "transcribe"},
                        {"language", "english"},
                        {"duration", length},
                        {"text", text},
                        {"segments", json::array{{{"id", 0},
                                                  {"seek", 0},
                                                  {"start", 0.0},
                                                  {"end", length},
                                                  {"text", text},
                                                  {"tokens", {50364, 1, 2}},
                                                  {"temperature", 0.0},
                                                  {"avg_logprob", -0.25},
                                                  {"compression_ratio", 1.0},
                                                  {"no_speech_prob", 0.01}}}},
                        {"usage", {{"type", "duration"}, {"seconds", 1}}}};
    const auto* wanted = member(form, "timestamp_granularities[]");
    const auto* list = wanted != nullptr ? wanted->if_array() : nullptr;
    if (list == nullptr ||
        std::find(list->begin(), list->end(), json::value("word")) == list->end())
        return answer;
    json::array places;
    for (const auto& word : words)
        places.push_back({{"word", word.text}, {"start", word.start}, {"end", word.end}});
    answer["words"] = std::move(places);
    return answer;
}

void append_number(std::string& out, std::uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        out += static_cast<char>(number >> (8 * i) & 0xFF);
}

/// PCM of 24 kHz, one channel, 16 bits.
std::string wave_file(const std::string& samples)
{
    std::string file = "RIFF";
    append_number(file, static_cast<std::uint32_t>(36 + samples.size()), 4);
    file += "WAVEfmt ";
    append_number(file, 16, 4);
    append_number(file, 1, 2);
    append_number(file, 1, 2);
    append_number(file, 24000, 4);
    append_number(file, 48000, 4);
    append_number(file, 2, 2);
    append_number(file, 16, 2);
    file += "data";
    append_number(file, static_cast<std::uint32_t>(samples.size()), 4);
    return file + samples;
}

/// A tenth of a second of a saw tooth for each word.
std::string samples_of(std::string_view text)
{
    const auto words = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
    std::string samples;
    for (std::size_t i = 0; i < words * 2400; ++i)
        append_number(samples, static_cast<std::uint32_t>(i % 120 * 200), 2);
    return samples;
}

}  // namespace

std::optional<json::object> read_form(const received_request& request)
{
    constexpr std::string_view mark = "boundary=";
    const auto type = request.header("content-type");
    const auto at = type.find(mark);
    if (!type.starts_with("multipart/form-data") || at == type.npos)
        return std::nullopt;
    auto boundary = type.substr(at + mark.size());
    if (boundary.size() > 1 && boundary.front() == '"')
        boundary = boundary.substr(1, boundary.size() - 2);
    const std::string line = "\r\n--" + std::string(boundary);
    json::object form;
    std::string_view rest = request.body;
    if (!rest.starts_with(std::string_view(line).substr(2)))
        return std::nullopt;
    rest.remove_prefix(line.size() - 2);
    while (rest.starts_with("\r\n"))
    {
        const auto head_end = rest.find("\r\n\r\n");
        const auto end = head_end == rest.npos ? rest.npos : rest.find(line, head_end + 2);
        if (end == rest.npos)
            return std::nullopt;
        const auto begin = std::min(end, head_end + 4);
        add_part(form, rest.substr(0, head_end), rest.substr(begin, end - begin));
        rest.remove_prefix(end + line.size());
    }
    return rest.starts_with("--") ? std::optional(std::move(form)) : std::nullopt;
}

// JSON for every format, as the gateway does it.
endpoint_answer answer_transcription(const endpoint_call& call)
{
    const auto& form = call.body;
    const auto* file = member(form, "file");
    if (file == nullptr || !file->is_object())
        return missing_field_error("body", "file");
    const std::string text =
        "This was said in " + std::string(text_member(file->get_object(), "filename")) + ".";
    const auto format = text_member(form, "response_format");
    const double end = timed_words(text).back().end;
    json::object answer;
    if (format == "verbose_json")
        answer = verbose(form, text);
    else if (format == "srt")
        answer = {{"text", "1\n" + time_stamp(0, ',') + " --> " + time_stamp(end, ',') + '\n' +
                               text + "\n\n"}};
    else if (format == "vtt")
        answer = {{"text", "WEBVTT\n\n" + time_stamp(0, '.') + " --> " + time_stamp(end, '.') +
                               '\n' + text + "\n\n"}};
    else
        answer = {{"text", text}};
    if (!answer.contains("usage"))
        answer["usage"] = nullptr;
    return simulated_body{std::move(answer), timed_words(text).size()};
}

// A sound for each word, in the format asked for as far as its first bytes go.
endpoint_answer answer_speech(const endpoint_call& call)
{
    const auto& request = call.body;
    for (const std::string_view name : {"input", "voice"})
    {
        if (text_member(request, name).empty())
            return missing_field_error("body", name);
    }
    const auto samples = samples_of(text_member(request, "input"));
    const auto format = text_member(request, "response_format");
    if (format == "wav")
        return simulated_media{"audio/wav", wave_file(samples)};
    if (format == "pcm")
        return simulated_media{"audio/pcm", samples};
    if (format == "flac")
        return simulated_media{"audio/flac", "fLaC" + samples};
    if (format == "opus")
        return simulated_media{"audio/opus", "OggS" + samples};
    return simulated_media{format == "aac" ? "audio/aac" : "audio/mpeg", "ID3" + samples};
}

}  // namespace regolo::inline v0::testing
