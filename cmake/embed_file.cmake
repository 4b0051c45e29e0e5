# Turns a file into a C++ source: cmake -DIN=… -DOUT=… -DSYMBOL=… -DHEADER=… -P embed_file.cmake
# writes `std::string_view sluice::SYMBOL()`, whose text is the file, byte for byte.
if(CMAKE_SCRIPT_MODE_FILE)
  # Bytes as numbers: a string literal would need escaping and has a length limit in some compilers.
  file(READ ${IN} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  file(WRITE ${OUT} "// Made from a file by cmake/embed_file.cmake.
#include \"${HEADER}\"

namespace sluice {

static constexpr unsigned char bytes[] = {
${bytes}
};

std::string_view ${SYMBOL}() {
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}

} // namespace sluice
")
  return()
endif()

set(SLUICE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

# Embeds `file` into `target` as the function `symbol` that `header` declares. A change of the file rebuilds it.
function(sluice_embed target file symbol header)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
  get_filename_component(in ${file} ABSOLUTE)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -DSYMBOL=${symbol} -DHEADER=${header} -P ${SLUICE_EMBED_SCRIPT}
    DEPENDS ${in} ${SLUICE_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${out})
  set_source_files_properties(${out} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
