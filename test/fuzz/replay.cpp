// Runs a target over files, without libFuzzer: regolo_fuzz_replay TARGET FILE_OR_FOLDER...

#include "fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const std::vector<std::string_view>& names)
{
    std::vector<fs::path> files;
    for (const fs::path path : names)
    {
        if (!fs::is_directory(path))
            files.push_back(path);
        else
            std::copy(fs::directory_iterator(path), fs::directory_iterator(),
                      std::back_inserter(files));
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    const auto& all = regolo::fuzz::targets();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
        return !arguments.empty() && each.name == arguments.front();
    });
    if (found == all.end() || arguments.size() < 2)
    {
        std::cerr << "usage: regolo_fuzz_replay TARGET FILE_OR_FOLDER...\ntargets:";
        for (const auto& each : all)
            std::cerr << ' ' << each.name;
        std::cerr << '\n';
        return 2;
    }
    const auto files = files_of({arguments.begin() + 1, arguments.end()});
    for (const auto& path : files)
    {
        std::cout << path.string() << std::endl;  // the last one shown is the one that fails
        std::ifstream file(path, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        if (!file)
        {
            std::cerr << "cannot be read\n";
            return 1;
        }
        found->run(bytes);
    }
    std::cout << files.size() << " inputs\n";
    return files.empty() ? 1 : 0;
}
