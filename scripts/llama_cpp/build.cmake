# Read by CMake at the project() call of llama-cpp-python (CMAKE_PROJECT_llama_cpp_INCLUDE), so that its
# source is built as published, unpatched, with the differences below.

# llama.cpp's "common" library belongs to its command line tools; nothing in the Python package uses it.
# The package asks for it with set(... CACHE FORCE), which an ordinary variable of the same name outranks.
set(LLAMA_BUILD_COMMON OFF)

# Upstream's warnings are upstream's to read, and one file prints 36,000 lines of them.
add_compile_options(-w)

set(FOOTNOTE_TILE_CONFIG_HEADER "${CMAKE_CURRENT_LIST_DIR}/tile_config.h")

function(footnote_tune_targets)
    # libllama builds graphs, tokenizes and samples; the arithmetic is in ggml, which stays at -O3.
    # Measured: a quarter less compile time for the whole build, no change in prefill or decode speed.
    target_compile_options(llama PRIVATE -O1)
    target_precompile_headers(llama PRIVATE
        <algorithm> <array> <cstring> <functional> <map> <memory> <regex> <set> <sstream> <string>
        <unordered_map> <vector>)

    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        get_target_property(ggml_cpu_folder ggml-cpu SOURCE_DIR)
        set_source_files_properties("${ggml_cpu_folder}/ggml-cpu/amx/mmq.cpp"
            TARGET_DIRECTORY ggml-cpu
            PROPERTIES COMPILE_OPTIONS "-include;${FOOTNOTE_TILE_CONFIG_HEADER}")
    endif()
endfunction()

cmake_language(DEFER CALL footnote_tune_targets)
