import pytest

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.domain.model import LocalModel, Place
from app.models import library
from app.models.library import display_name, local_models, named
from app.models.model_files import FoundModel


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "Modelle 模型"
    folder.mkdir()
    return folder


def put(folder, name, size=10):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def find_model(folder, wanted):
    return library.find_model(local_models(folder), wanted, folder=folder)


def names(folder):
    return [model.name for model in local_models(folder)]


def test_models_by_name(folder):
    for name in ("zeta.gguf", "Alpha.gguf", "beta-Q4_K_M.gguf", "Zoë 家.gguf", "notes.txt", "half.gguf.part"):
        put(folder, name)
    assert names(folder) == ["Alpha", "beta-Q4_K_M", "zeta", "Zoë 家"]
    model = local_models(folder)[3]
    assert (model.path, model.size) == (folder / "Zoë 家.gguf", 10)


def test_an_empty_and_a_missing_folder(folder):
    assert local_models(folder) == []
    assert local_models(folder / "gone") == []


def test_projectors_folders_and_broken_links_are_no_models(folder):
    put(folder, "mmproj-model-f16.gguf")
    (folder / "folder.gguf").mkdir()
    (folder / "link.gguf").symlink_to(folder / "gone.gguf")
    assert names(folder) == []


def test_a_split_model_is_one_as_large_as_all_its_parts(folder):
    for part in (1, 2, 3):
        put(folder, f"big-{part:05}-of-00003.gguf", 100 * part)
    put(folder, "big-00002-of-00009.gguf", 5000)
    put(folder, "small.gguf", 300)
    models = {model.name: model.size for model in local_models(folder)}
    assert models == {"big": 600, "small": 300}
    assert find_model(folder, None).name == "small"


def test_the_same_name_in_two_folders(folder):
    put(folder, "a/same.gguf")
    put(folder, "b/same.gguf")
    put(folder, "b/c/same.gguf")
    assert sorted(names(folder)) == ["b/c/same", "b/same", "same"]
    assert len({model.path for model in local_models(folder)}) == 3
    assert find_model(folder, "b/same").path == folder / "b" / "same.gguf"


def test_the_smallest_is_meant_where_nothing_is_said(folder):
    with pytest.raises(ModelFileError, match="There is no model yet") as caught:
        find_model(folder, None)
    assert caught.value.detail == str(folder)
    put(folder, "large.gguf", 100)
    put(folder, "small.gguf", 10)
    assert find_model(folder, None).name == "small"


def test_a_part_of_a_name_means_our_own_before_another_program_s(tmp_path):
    ours = LocalModel("SmolLM2-Q4_1", tmp_path / "1.gguf", 1)
    theirs = LocalModel("maker/repo/SmolLM2-Q4_1", tmp_path / "2.gguf", 1, Place.LM_STUDIO)
    third = LocalModel("smollm2:135m", tmp_path / "3", 1, Place.OLLAMA)
    assert library.find_model([ours, theirs, third], "smol") is ours
    assert library.find_model([ours, theirs, third], "smollm2:135m") is third
    with pytest.raises(ModelFileError, match="could be more than one"):
        library.find_model([theirs, third], "smol")


def test_what_the_engine_cannot_load_is_never_meant_where_nothing_is_said(tmp_path):
    folder = LocalModel("folder", tmp_path, 10, format=Format.SAFETENSORS)
    gone = LocalModel("gone", tmp_path / "gone.gguf", 0, Place.IN_PLACE)
    large = LocalModel("large", tmp_path / "large.gguf", 1000)
    assert library.find_model([folder, gone, large], None) is large
    with pytest.raises(ModelFileError, match="There is no model yet"):
        library.find_model([folder, gone], None)
    assert library.find_model([folder, gone], "folder") is folder


def test_a_name_a_part_of_one_and_a_path(folder, tmp_path):
    put(folder, "Qwen-1B.gguf")
    put(folder, "Qwen-1B-Instruct.gguf")
    put(folder, "SmolLM.gguf")
    elsewhere = put(tmp_path, "andere 模型.GGUF")
    assert find_model(folder, "Qwen-1B").name == "Qwen-1B"
    assert find_model(folder, "instruct").name == "Qwen-1B-Instruct"
    assert find_model(folder, "smol").name == "SmolLM"
    assert find_model(folder, str(elsewhere)).path == elsewhere
    with pytest.raises(
        ModelFileError, match=r"“qwen” could be more than one model: Qwen-1B, Qwen-1B-Instruct\."
    ):
        find_model(folder, "qwen")


def test_where_nothing_is_at_all_it_says_so(folder):
    with pytest.raises(ModelFileError, match=r"There is no model “x”\. There is none at all yet\."):
        find_model(folder, "x")


@pytest.mark.parametrize(
    "wanted", ["llama", "../x", "/nowhere/x.gguf", "~nobody-here/x.gguf", "a\0b.gguf", "x" * 5000 + ".gguf"]
)
def test_what_is_not_there(folder, wanted):
    put(folder, "only.gguf")
    with pytest.raises(ModelFileError, match=r"There is no model “.*There is: only\."):
        find_model(folder, wanted)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", ("SmolLM2 135M Instruct", "Q4_1")),
        ("Qwen3-8B-UD-IQ2_XXS", ("Qwen3 8B", "UD-IQ2_XXS")),
        ("folder/gpt-oss-20b-mxfp4", ("gpt oss 20b", "MXFP4")),
        ("gemma_3_4b_it-BF16", ("gemma 3 4b it", "BF16")),
        ("Zoë 家", ("Zoë 家", "")),
        ("plain", ("plain", "")),
        ("qwen3:8b", ("qwen3 8b", "")),
        ("hf.co/owner/Tiny-GGUF:Q4_K_M", ("Tiny GGUF", "Q4_K_M")),
        ("", ("", "")),
    ],
)
def test_names_for_reading(name, shown):
    assert display_name(name) == shown


def found(path, place, *names):
    return FoundModel(path, 10, place, names)


def test_the_same_name_in_several_places(tmp_path):
    entries = named(
        [
            found(tmp_path / "1", Place.LIBRARY, "Same", "a/Same"),
            found(tmp_path / "2", Place.LM_STUDIO, "same", "maker/repo/same"),
            found(tmp_path / "3", Place.HUGGING_FACE, "same"),
            found(tmp_path / "4", Place.OLLAMA, "same"),
            found(tmp_path / "5", Place.OLLAMA, "same"),
            found(tmp_path / "6", Place.OLLAMA, "same"),
            found(tmp_path / "7", Place.OLLAMA, "", ""),
        ]
    )
    assert {entry.model.path.name: entry.model.name for entry in entries} == {
        "1": "Same",
        "2": "maker/repo/same",
        "3": "Hugging Face cache/same",
        "4": "Ollama/same",
        "5": "same 2",
        "6": "same 3",
        "7": "unnamed",
    }
    assert [entry.model.name.casefold() for entry in entries] == sorted(
        entry.model.name.casefold() for entry in entries
    )


def test_one_file_found_twice_by_links_is_one_model(tmp_path):
    real = put(tmp_path, "models/real.gguf")
    (tmp_path / "models" / "alias.gguf").symlink_to(real)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "models")
    entries = named(
        [
            found(tmp_path / "elsewhere" / "real.gguf", Place.LIBRARY, "real"),
            found(tmp_path / "elsewhere" / "alias.gguf", Place.LIBRARY, "alias"),
            found(tmp_path / "models" / "real.gguf", Place.IN_PLACE, "in place"),
            found(tmp_path / "elsewhere" / "real.gguf", Place.LM_STUDIO, "again"),
            found(tmp_path / "elsewhere" / "alias.gguf", Place.LM_STUDIO, "once more"),
        ]
    )
    assert [entry.model.name for entry in entries] == ["alias", "real"]


def test_a_file_that_is_named_is_not_in_the_library(tmp_path):
    for part in (1, 2):
        put(tmp_path, f"big-0000{part}-of-00002.gguf", 100)
    model = library.find_model([], str(tmp_path / "big-00002-of-00002.gguf"))
    assert model == LocalModel("big", tmp_path / "big-00001-of-00002.gguf", 200, Place.IN_PLACE)
    later = put(tmp_path, "other-00002-of-00002.gguf")
    assert library.find_model([], str(later)).path == later
    projector = put(tmp_path, "mmproj-x.gguf")
    assert library.find_model([], str(projector)).path == projector
